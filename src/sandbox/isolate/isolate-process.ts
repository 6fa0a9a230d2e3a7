import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { DomainError, messageOf } from '../../errors.js';
import { launchChild } from './child-launch.js';
import { encodeFrame, FrameDecoder, type RawFrame } from './frame-codec.js';
import { answerGuest } from './answer-guest.js';
import { childFrameSchema, type ChildFrame, type HostFrame } from './isolate-frame.js';
import type { IsolateCall, IsolateResult } from './isolate-result.js';
import { MemoryWatchdog, offerToOomKiller } from './memory-watchdog.js';
import { RunningCall } from './running-call.js';

const START_MS = 15_000;
const MAX_REQUESTS = 64;
const MAX_STDERR_CHARS = 8192;

export interface IsolateProcessOptions {
  /** V8's own, soft limit for the guest's heap. */
  readonly memoryLimitMb: number;
  /** The process is killed above this resident size. */
  readonly rssLimitBytes: number;
}

type ProcessState =
  | { readonly kind: 'starting'; readonly ready: PromiseWithResolvers<void> }
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly call: RunningCall }
  | { readonly kind: 'dead' };

/** One child process with one session's isolate. Calls are serial; everything the child says is hostile. */
export class IsolateProcess {
  private state: ProcessState = { kind: 'starting', ready: Promise.withResolvers() };
  private readonly decoder = new FrameDecoder();
  private readonly pipe: Duplex;
  private readonly watchdog: MemoryWatchdog;
  private readonly gone = Promise.withResolvers<void>();
  private stderr = '';
  private lastCall = 0;
  /** Whether the content of a file is in memory for this child; an honest one waits, also for those of earlier calls. */
  private fileUnderWay = false;

  private constructor(
    private readonly child: ChildProcess,
    rssLimitBytes: number,
  ) {
    this.pipe = child.stdio[3] as Duplex;
    this.watchdog = new MemoryWatchdog(child.pid ?? 0, rssLimitBytes, () => {
      if (this.state.kind === 'running') this.state.call.memoryExceeded();
    });
    this.pipe.on('data', (chunk: Buffer) => this.receive(chunk));
    this.pipe.on('error', () => this.kill());
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.stderr.length < MAX_STDERR_CHARS) this.stderr += chunk.toString('utf8');
    });
    child.once('error', (error) => this.died(messageOf(error)));
    child.once('close', () => this.died(this.stderr));
  }

  /** Rejects with `unavailable` when the child does not come up. */
  static async start(options: IsolateProcessOptions): Promise<IsolateProcess> {
    const child = launchChild(options.memoryLimitMb);
    const started = new IsolateProcess(child, options.rssLimitBytes);
    if (child.pid !== undefined) offerToOomKiller(child.pid);
    const timer = setTimeout(() => started.kill(), START_MS);
    try {
      if (started.state.kind === 'starting') await started.state.ready.promise;
    } finally {
      clearTimeout(timer);
    }
    return started;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get alive(): boolean {
    return this.state.kind !== 'dead';
  }

  /** Resolves when the process has ended. */
  get exited(): Promise<void> {
    return this.gone.promise;
  }

  run(call: IsolateCall): Promise<IsolateResult> {
    if (this.state.kind !== 'idle')
      throw new Error(`a call was given to a process that is ${this.state.kind}`);
    const id = (this.lastCall += 1);
    const interrupt = (): void => this.send({ type: 'interrupt', call: id });
    const running = new RunningCall(id, call, { interrupt, kill: () => this.kill() });
    this.state = { kind: 'running', call: running };
    this.watchdog.start();
    const { code, tools, timeoutMs, maxOutputBytes, maxValueChars } = call;
    // The guest's own limit is a second net under the interrupt that the host sends.
    this.send({
      type: 'run',
      call: id,
      code,
      tools: tools.names,
      limits: { timeoutMs: timeoutMs + 500, maxOutputBytes, maxValueChars },
    });
    return running.result;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private send(frame: HostFrame, body?: Uint8Array): void {
    if (this.pipe.writable) this.pipe.write(encodeFrame(frame, body));
  }

  private receive(chunk: Buffer): void {
    try {
      for (const frame of this.decoder.push(chunk)) this.handle(childFrameSchema.parse(frame.header), frame);
    } catch {
      // It breaks the protocol: it is not our child any more.
      this.kill();
    }
  }

  private handle(frame: ChildFrame, raw: RawFrame): void {
    const state = this.state;
    if (frame.type === 'ready') {
      if (state.kind !== 'starting') throw new Error('a second ready');
      this.state = { kind: 'idle' };
      state.ready.resolve();
      return;
    }
    if (state.kind === 'dead') return;
    if (state.kind !== 'running' || frame.call !== state.call.id) throw new Error('a frame without its call');
    switch (frame.type) {
      case 'output':
        if (!state.call.output(frame)) throw new Error('output over its cap');
        return;
      case 'request':
        void this.answer(state.call, frame, raw.body);
        return;
      case 'done': {
        this.state = { kind: 'idle' };
        const memory = this.watchdog.stop();
        const mayRest = memory.mayRest && !frame.heapFull;
        if (!mayRest) this.kill();
        state.call.done(frame, { ...memory, mayRest });
        return;
      }
      default:
        frame satisfies never;
    }
  }

  private async answer(
    running: RunningCall,
    frame: ChildFrame & { type: 'request' },
    body: Buffer,
  ): Promise<void> {
    const concernsFile = frame.operation.name !== 'callTool';
    running.requests += 1;
    if (running.requests > MAX_REQUESTS || (concernsFile && this.fileUnderWay)) return this.kill();
    if (concernsFile) this.fileUnderWay = true;
    const reply = await answerGuest(frame.operation, Buffer.from(body), running.call);
    running.requests -= 1;
    if (concernsFile) this.fileUnderWay = false;
    const { call, request } = frame;
    if ('error' in reply) this.send({ type: 'reply', call, request, error: reply.error });
    else this.send({ type: 'reply', call, request }, reply.body);
  }

  private died(cause: string): void {
    const state = this.state;
    this.state = { kind: 'dead' };
    const { peakBytes } = this.watchdog.stop();
    if (state.kind === 'starting') {
      const message = `The JavaScript sandbox process did not start: ${cause.trim().slice(0, 500) || 'no answer'}`;
      state.ready.reject(new DomainError('unavailable', message));
    }
    if (state.kind === 'running')
      state.call.processGone(this.heapExhausted() ? 'out_of_memory' : 'died', peakBytes);
    this.gone.resolve();
  }

  /** V8 ends the process by itself when the heap is beyond help. */
  private heapExhausted(): boolean {
    return /out of memory|heap limit|Catastrophic/i.test(this.stderr) || this.child.signalCode === 'SIGABRT';
  }
}
