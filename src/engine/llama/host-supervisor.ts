import { join } from 'node:path';
import { Changes } from '../changes.js';
import { EngineError } from '../engine-error.js';
import type { EngineStatus } from '../engine.js';
import { failureHint } from './failure-hint.js';
import { HostProcess, type HostExit, type HostNotice } from './host-process.js';
import type { LlamaEngineOptions } from './llama-engine-options.js';
import type { ModelSource } from './model-source.js';
import type { LoadedModelFacts, LoadSettings } from './protocol.js';

const DEFAULT_SEQUENCES = 4;
/** A host that dies this often without an answer to its end in between will not get well by itself. */
const MAX_CRASHES = 4;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
const LOG_TAIL = 15;

type State =
  | {
      readonly name: 'loading';
      readonly host: HostProcess | undefined;
      readonly phase: string;
      readonly progress: number;
      readonly bytes?: { readonly done: number; readonly total: number };
    }
  | { readonly name: 'ready'; readonly host: HostProcess; readonly model: LoadedModelFacts }
  | { readonly name: 'failed'; readonly message: string; readonly hint: string | undefined }
  | { readonly name: 'closed' };

export interface ReadyHost {
  readonly host: HostProcess;
  readonly model: LoadedModelFacts;
}

/** Keeps one host with the model loaded: starts it, starts it again when it dies, gives up in the end. */
export class HostSupervisor {
  private state: State = { name: 'loading', host: undefined, phase: 'start', progress: 0 };
  private crashes = 0;
  private restartTimer: NodeJS.Timeout | undefined;
  private readonly changes = new Changes();

  constructor(
    private readonly options: LlamaEngineOptions,
    private readonly source: ModelSource,
  ) {
    this.start();
  }

  /** Undefined while there is none. */
  get host(): HostProcess | undefined {
    return 'host' in this.state ? this.state.host : undefined;
  }

  /** Resolves when the model is loaded. Rejects with an EngineError when it will not be, or the signal's reason. */
  async ready(signal?: AbortSignal): Promise<ReadyHost> {
    for (;;) {
      signal?.throwIfAborted();
      const { state } = this;
      if (state.name === 'ready') return { host: state.host, model: state.model };
      if (state.name === 'failed')
        throw new EngineError('model_not_found', withHint(state.message, state.hint));
      if (state.name === 'closed') throw new EngineError('cancelled', 'The engine is closed.');
      await this.changes.next(signal);
    }
  }

  /** A turn, embeddings or a ranking came to their end: what crashed before is no pattern. */
  answered(): void {
    this.crashes = 0;
  }

  status(): EngineStatus {
    const { state } = this;
    const model = this.source.name;
    switch (state.name) {
      case 'loading':
        return {
          state: 'loading',
          model,
          phase: state.phase,
          progress: state.progress,
          ...(state.bytes === undefined ? {} : { bytes: state.bytes }),
        };
      case 'ready':
        return { state: 'ready', model, ...state.model, hostPid: state.host.pid };
      case 'failed':
        return {
          state: 'failed',
          model,
          message: state.message,
          ...(state.hint === undefined ? {} : { hint: state.hint }),
        };
      case 'closed':
        return { state: 'closed', model };
      default:
        return state satisfies never;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.restartTimer);
    const host = this.state.name === 'loading' || this.state.name === 'ready' ? this.state.host : undefined;
    this.change({ name: 'closed' });
    await host?.stop();
  }

  private start(): void {
    const { environment = {}, pingEveryMs } = this.options;
    const listeners = {
      onNotice: (notice: HostNotice) => this.noticed(host, notice),
      onExit: (exit: HostExit) => this.exited(exit),
    };
    const host = new HostProcess(environment, listeners, pingEveryMs);
    this.change({ name: 'loading', host, phase: 'start', progress: 0 });
    host.load(this.settings());
  }

  private settings(): LoadSettings {
    const {
      contextSize,
      threads,
      gpu,
      sequences,
      memoryBudgetBytes,
      homeDirectory,
      gpuLayers,
      cacheType,
      flashAttention,
      batchSize,
      loadMode,
      chatTemplate,
      stateCacheBytes: maxBytes,
      vectorIdleMs,
    } = this.options;
    const { location, defaultTemperature } = this.source;
    return {
      location,
      contextSize,
      threads,
      gpu,
      sequences: sequences ?? DEFAULT_SEQUENCES,
      ...(vectorIdleMs === undefined ? {} : { vectorIdleMs }),
      gpuLayers: gpuLayers ?? 'auto',
      cacheType: cacheType ?? 'f16',
      flashAttention: flashAttention ?? 'auto',
      batchSize: batchSize ?? 'auto',
      loadMode: loadMode ?? 'auto',
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
      ...(memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes }),
      ...(defaultTemperature === undefined ? {} : { defaultTemperature }),
      ...(maxBytes ? { stateCache: { folder: join(homeDirectory, 'kv'), maxBytes } } : {}),
    };
  }

  private noticed(host: HostProcess, notice: HostNotice): void {
    switch (notice.type) {
      case 'log':
        this.options.log?.(notice.level, notice.message);
        return;
      case 'loading':
        this.change({
          name: 'loading',
          host,
          phase: notice.phase,
          progress: notice.progress,
          ...(notice.bytes === undefined ? {} : { bytes: notice.bytes }),
        });
        return;
      case 'loaded':
        this.change({ name: 'ready', host, model: notice.model });
        return;
      case 'memory':
        // No change of what others wait for.
        if (this.state.name !== 'ready' || this.state.host !== host) return;
        this.state = { ...this.state, model: { ...this.state.model, memoryBytes: notice.bytes } };
        return;
      case 'load_failed':
        this.fail(notice.message, notice.hint ?? failureHint(notice.message, host.recentLog));
        void host.stop();
        return;
      default:
        notice satisfies never;
    }
  }

  private exited({ description, log }: HostExit): void {
    if (this.state.name === 'failed' || this.state.name === 'closed') return;
    this.crashes += 1;
    const tail = log.slice(-LOG_TAIL).join('\n');
    this.options.log?.('error', tail === '' ? description : `${description}\n${tail}`);
    if (this.crashes >= MAX_CRASHES) {
      this.fail(
        tail === '' ? description : `${description} Its last words:\n${tail}`,
        failureHint(description, log),
      );
      return;
    }
    this.change({ name: 'loading', host: undefined, phase: 'restart', progress: 0 });
    const wait = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.crashes - 1));
    this.restartTimer = setTimeout(() => this.start(), wait);
  }

  private fail(message: string, hint: string | undefined): void {
    this.options.log?.('error', withHint(message, hint));
    this.change({ name: 'failed', message, hint });
  }

  private change(next: State): void {
    // Closed and failed are ends: a late word of a dying host changes nothing.
    if (this.state.name === 'closed' || (this.state.name === 'failed' && next.name !== 'closed')) return;
    this.state = next;
    this.changes.announce();
    this.options.onStatus?.(this.status());
  }
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message} ${hint}`;
}
