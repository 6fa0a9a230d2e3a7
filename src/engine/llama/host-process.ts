import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EngineError } from '../engine-error.js';
import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
import type { ChatMessage, ToolSpec } from '../engine.js';
import { EventStream } from './event-stream.js';
import { hostCommand } from './host-command.js';
import { hostMessages, hostTools } from './host-request.js';
import {
  fromHost,
  PROTOCOL_VERSION,
  type FromHost,
  type HostGenerateRequest,
  type LoadSettings,
  type ToHost,
} from './protocol.js';
import { RecentLines } from './recent-lines.js';
import { VectorReplies } from './vector-replies.js';

const PING_EVERY_MS = 5_000;
/**
 * Native work runs beside the host's event loop, so one that leaves this many pings unanswered is
 * lost. Pings are counted, not time: a machine that slept has not killed its model.
 */
const MAX_UNANSWERED_PINGS = 12;
const TERM_BOUND_MS = 3_000;
const LOG_LINES = 200;

/** What its owner is told, besides the streams of generations. */
export type HostNotice = Extract<FromHost, { type: 'loading' | 'loaded' | 'load_failed' | 'log' | 'memory' }>;

export interface HostExit {
  readonly description: string;
  readonly log: readonly string[];
}

interface HostListeners {
  readonly onNotice: (notice: HostNotice) => void;
  /** Called once, after every open stream was broken. */
  readonly onExit: (exit: HostExit) => void;
}

export interface HostGeneration {
  readonly stream: EventStream;
  cancel(): void;
  /** The reader is done, whatever may still come. */
  close(): void;
}

interface CountReply {
  readonly resolve: (tokens: number) => void;
  readonly reject: (error: EngineError) => void;
}

/** One life of the host process: its channel, its streams, its heartbeat, its end. */
export class HostProcess {
  private readonly child: ChildProcess;
  private readonly streams = new Map<number, EventStream>();
  private readonly counts = new Map<number, CountReply>();
  private readonly vectors = new VectorReplies((message) => this.send(message));
  private readonly log = new RecentLines(LOG_LINES);
  private readonly heartbeat: NodeJS.Timeout;
  private unansweredPings = 0;
  private nextId = 1;
  private gone = false;

  constructor(
    environment: Readonly<Record<string, string>>,
    private readonly listeners: HostListeners,
    pingEveryMs = PING_EVERY_MS,
  ) {
    const command = hostCommand();
    this.child = fork(command.entry, [], {
      execArgv: [...command.execArgv],
      env: { ...command.environment, ...environment },
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.log.add(text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.add(text));
    this.child.on('message', (raw) => this.receive(raw));
    this.child.on('error', (error) => this.log.add(error.message));
    this.child.once('close', (code, signal) => this.ended(code, signal));
    this.heartbeat = setInterval(() => this.beat(), pingEveryMs);
    this.heartbeat.unref();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get recentLog(): readonly string[] {
    return this.log.toArray();
  }

  load(settings: LoadSettings): void {
    this.send({ type: 'load', version: PROTOCOL_VERSION, settings });
  }

  generate(request: HostGenerateRequest): HostGeneration {
    const id = this.nextId++;
    const stream = new EventStream(() => this.send({ type: 'credit', id, batches: 1 }));
    if (this.gone) stream.break({ message: 'The host process of the model is gone.' });
    else this.streams.set(id, stream);
    this.send({ type: 'generate', id, request });
    return {
      stream,
      cancel: () => this.send({ type: 'cancel', id }),
      close: () => this.streams.delete(id),
    };
  }

  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    return this.gone ? Promise.reject(hostGone()) : this.vectors.embed(this.nextId++, request, signal);
  }

  rank(request: RankRequest, signal: AbortSignal): Promise<Ranking> {
    return this.gone ? Promise.reject(hostGone()) : this.vectors.rank(this.nextId++, request, signal);
  }

  forget(sessionId: string): void {
    this.send({ type: 'forget', sessionId });
  }

  count(messages: readonly ChatMessage[], tools: readonly ToolSpec[]): Promise<number> {
    if (this.gone) return Promise.reject(hostGone());
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.counts.set(id, { resolve, reject });
      this.send({ type: 'count', id, messages: hostMessages(messages), tools: hostTools(tools) });
    });
  }

  /** Ends the process: asked first, then by signal, then for certain. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.gone) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), TERM_BOUND_MS);
    await closed;
    clearTimeout(timer);
  }

  /** For a host that no longer answers. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private send(message: ToHost): void {
    if (this.gone || !this.child.connected) return;
    // A failed send means that the process is ending; `close` tells the rest.
    this.child.send(message, () => undefined);
  }

  private beat(): void {
    if (this.unansweredPings >= MAX_UNANSWERED_PINGS) {
      this.kill();
      return;
    }
    this.unansweredPings += 1;
    this.send({ type: 'ping' });
  }

  private receive(raw: unknown): void {
    this.unansweredPings = 0;
    const parsed = fromHost.safeParse(raw);
    if (!parsed.success) {
      this.log.add(`The host sent what the protocol does not know: ${parsed.error.message}`);
      this.kill();
      return;
    }
    this.handle(parsed.data);
  }

  private handle(message: FromHost): void {
    switch (message.type) {
      case 'events':
        this.deliver(message);
        return;
      case 'counted':
        this.counts.get(message.id)?.resolve(message.tokens);
        this.counts.delete(message.id);
        return;
      case 'count_failed':
        this.counts.get(message.id)?.reject(new EngineError('invalid_request', message.message));
        this.counts.delete(message.id);
        return;
      case 'embedded':
      case 'ranked':
      case 'vectors_failed':
        this.vectors.receive(message);
        return;
      case 'log':
        this.log.add(message.message);
        this.listeners.onNotice(message);
        return;
      case 'loading':
      case 'loaded':
      case 'load_failed':
      case 'memory':
        this.listeners.onNotice(message);
        return;
      case 'hello':
        if (message.version !== PROTOCOL_VERSION) this.kill();
        return;
      case 'pong':
        return;
      default:
        message satisfies never;
    }
  }

  private deliver({ id, events }: Extract<FromHost, { type: 'events' }>): void {
    const stream = this.streams.get(id);
    // Nobody reads this one any more; the credit lets the host drop what it still holds.
    if (stream === undefined) this.send({ type: 'credit', id, batches: 1 });
    else stream.push(events);
  }

  private ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.gone = true;
    clearInterval(this.heartbeat);
    const description =
      signal === null
        ? `The host process of the model ended with code ${code ?? 0}.`
        : `The host process of the model was ended by ${signal}.`;
    for (const stream of this.streams.values()) stream.break({ message: description });
    this.streams.clear();
    const crash = new EngineError('stream_interrupted', description, { interruption: 'engine_crash' });
    for (const reply of this.counts.values()) reply.reject(crash);
    this.counts.clear();
    this.vectors.break(crash);
    this.listeners.onExit({ description, log: this.log.toArray() });
  }
}

function hostGone(): EngineError {
  return new EngineError('stream_interrupted', 'The host process of the model is gone.');
}
