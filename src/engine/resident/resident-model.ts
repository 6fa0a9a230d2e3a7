import { settlesWithin } from '../../settles-within.js';
import type {
  CountRequest,
  Engine,
  EngineEvent,
  EngineStatus,
  GenerateRequest,
  ServedModel,
} from '../engine.js';
import type { EmbedRequest, Embeddings, Ranking, RankRequest } from '../embedding.js';
import { Changes } from '../changes.js';
import { EngineError, toEngineError } from '../engine-error.js';
import { modelsOf } from '../models-of.js';
import type { ResidentSettings } from './resident-settings.js';
import { refusalIn } from './state-refusal.js';
import { templateInUse } from './template-in-use.js';
import { nextResidentState, type ResidentEvent, type ResidentState } from './resident-state.js';

/** A generation under way, or the making of vectors, which has no session. */
export interface ModelUse {
  readonly sessionId: string | undefined;
  readonly owner: string | undefined;
}

/** What answers requests, under whatever name. */
export type Answering = Pick<Engine, 'generate' | 'embed' | 'rank' | 'count' | 'capabilities'>;

interface OpenUse extends ModelUse {
  readonly end: AbortController;
}

export interface ResidentOptions {
  readonly names: readonly [string, ...string[]];
  /** Its first file, links resolved, where that is known and here. */
  readonly path: string | undefined;
  /** Undefined for what is not loaded by us: a server elsewhere, or several models behind one name. */
  readonly settings: ResidentSettings | undefined;
  readonly isDefault: boolean;
}

const NOTHING = { text: '', reasoning: '', completeCalls: [] };

/** One model that the server keeps in memory, from the wish to load it until it is gone. Owns its engine. */
export class ResidentModel {
  readonly isDefault: boolean;
  readonly settings: ResidentSettings | undefined;
  /** Ends a load that is under way; its reason is what whoever waits for it is told. */
  readonly cancel = new AbortController();
  path: string | undefined;
  /** What it was found to need before it was loaded; 0 until then. */
  estimatedBytes = 0;
  /** Tokens that the largest context has that would fit; known after a load. */
  maxContextSize: number | undefined;
  /** Jinja, null without one. Read as soon as it is loaded: its file may go or become another's afterwards. */
  chatTemplate: Promise<string | null> = Promise.resolve(null);
  lastUsedAt = Date.now();
  private current: ResidentState = { type: 'loading', phase: 'start', progress: 0 };
  private engine: Engine | undefined;
  private readonly uses = new Set<OpenUse>();
  private readonly changes = new Changes();

  constructor(private readonly options: ResidentOptions) {
    this.isDefault = options.isDefault;
    this.settings = options.settings;
    this.path = options.path;
  }

  get state(): ResidentState {
    return this.current;
  }

  get name(): string {
    return this.options.names[0];
  }

  /** Every name that requests may call it by, the first one shown. */
  get names(): readonly string[] {
    const own = this.settings === undefined && this.engine ? modelsOf(this.engine.status()) : [];
    return [...new Set([...own, ...this.options.names])];
  }

  get isBusy(): boolean {
    return this.uses.size > 0;
  }

  get openUses(): readonly ModelUse[] {
    return [...this.uses];
  }

  /** Bytes that it takes, or is about to: what its host tells, else the estimate. */
  get memoryBytes(): number {
    const status = this.engine?.status();
    if (status?.state === 'ready') return status.memoryBytes;
    const { type } = this.current;
    return type === 'failed' || type === 'gone' ? 0 : this.estimatedBytes;
  }

  status(): EngineStatus {
    const { name: model, current } = this;
    // What is not ours to load has a name and a state of its own.
    if (this.settings === undefined && this.engine !== undefined) return this.engine.status();
    switch (current.type) {
      case 'loading':
      case 'ready':
        break;
      case 'failed': {
        const { message, hint } = current;
        return { state: 'failed', model, message, ...(hint === undefined ? {} : { hint }) };
      }
      case 'unloading':
      case 'gone':
        return { state: 'closed', model };
      default:
        return current satisfies never;
    }
    const status = this.engine?.status();
    if (status !== undefined) return { ...status, model };
    if (current.type === 'ready') return { state: 'closed', model };
    const { type: state, ...step } = current;
    return { state, model, ...step };
  }

  /** Whether requests are taken; one that is being loaded lets them wait. */
  get isServing(): boolean {
    return this.current.type === 'loading' || this.current.type === 'ready';
  }

  served(): ServedModel {
    return { names: this.isServing ? this.names : [], status: this.status() };
  }

  /** Moves it; whoever waits looks again. Throws IllegalResidentTransition. */
  apply(event: ResidentEvent): void {
    this.current = nextResidentState(this.current, event);
    this.changes.announce();
  }

  forget(sessionId: string): void {
    this.engine?.forget?.(sessionId);
  }

  /** Gives it the engine that `make` makes, whose word on loading it follows from now on. */
  open(make: (onStatus: (status: EngineStatus) => void) => Engine): Engine {
    this.engine = make((status) => this.noticed(status));
    if (this.settings === undefined) this.apply({ type: 'loaded' });
    return this.engine;
  }

  /** Resolves when it is loaded. Rejects with an EngineError when it will not be, or with the reason of its cancel. */
  async loaded(): Promise<void> {
    while (this.current.type === 'loading') {
      this.cancel.signal.throwIfAborted();
      await this.changes.next(this.cancel.signal);
    }
    if (this.current.type === 'ready') return;
    this.cancel.signal.throwIfAborted();
    throw this.refusal();
  }

  /** Resolves when it is not on its way out, or is gone. */
  async unloaded(): Promise<void> {
    while (this.current.type === 'unloading') await this.changes.next(undefined);
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    const use = this.begin(request.sessionId, request.owner);
    try {
      const ending = AbortSignal.any([signal, use.end.signal]);
      const engine = await this.opened(ending);
      const { model: _model, ...own } = request;
      for await (const event of engine.generate(own, ending)) {
        const wasUnloaded = use.end.signal.aborted && !signal.aborted && event.type === 'stop';
        yield wasUnloaded ? { type: 'error', error: this.refusal(), received: event.message } : event;
      }
    } catch (error) {
      if (signal.aborted) yield { type: 'stop', reason: 'cancelled', message: NOTHING };
      else yield { type: 'error', error: this.asRefusal(error), received: NOTHING };
    } finally {
      this.finish(use);
    }
  }

  embed({ model: _model, ...request }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    return this.vectors(request.owner, signal, (engine, ending) => engine.embed(request, ending));
  }

  rank({ model: _model, ...request }: RankRequest, signal: AbortSignal): Promise<Ranking> {
    return this.vectors(request.owner, signal, (engine, ending) => engine.rank(request, ending));
  }

  async count({ model: _model, ...request }: CountRequest): Promise<number> {
    return (await this.opened()).count(request);
  }

  async capabilities(): ReturnType<Engine['capabilities']> {
    const found = await (await this.opened()).capabilities();
    return this.settings === undefined ? found : { ...found, model: this.name };
  }

  /** Who answers to one of its names: of several models behind one engine, the one meant. */
  answering(name: string): Answering {
    return (this.settings === undefined ? this.engine?.find?.(name) : undefined) ?? this;
  }

  /**
   * Lets what is under way come to its end for so many milliseconds, ends the rest with an error, and frees the memory.
   * It has to be unloading.
   */
  async close(patienceMs: number): Promise<void> {
    this.cancel.abort(this.refusal());
    await settlesWithin(this.idle(), patienceMs);
    for (const use of this.uses) use.end.abort();
    await this.engine?.close();
    this.apply({ type: 'closed' });
  }

  /** Why no request is taken in the state it is in. */
  refusal(): EngineError {
    return refusalIn(this.current, this.name);
  }

  private async vectors<T>(
    owner: string,
    signal: AbortSignal,
    work: (engine: Engine, ending: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const use = this.begin(undefined, owner);
    try {
      const ending = AbortSignal.any([signal, use.end.signal]);
      return await work(await this.opened(ending), ending);
    } catch (error) {
      signal.throwIfAborted();
      throw this.asRefusal(error);
    } finally {
      this.finish(use);
    }
  }

  private begin(sessionId: string | undefined, owner: string | undefined): OpenUse {
    const use = { sessionId, owner, end: new AbortController() };
    this.uses.add(use);
    this.lastUsedAt = Date.now();
    return use;
  }

  private finish(use: OpenUse): void {
    this.uses.delete(use);
    this.lastUsedAt = Date.now();
    this.changes.announce();
  }

  /** The engine once there is one; it waits itself until the model is loaded. Rejects with EngineError. */
  private async opened(signal?: AbortSignal): Promise<Engine> {
    for (;;) {
      signal?.throwIfAborted();
      if (!this.isServing) throw this.refusal();
      if (this.engine !== undefined) return this.engine;
      await this.changes.next(signal);
    }
  }

  private async idle(): Promise<void> {
    while (this.isBusy) await this.changes.next(undefined);
  }

  /** After its end was decided here, what its host tells changes nothing. */
  private noticed(status: EngineStatus): void {
    if (this.settings === undefined || !this.isServing) return;
    switch (status.state) {
      case 'loading': {
        const { phase, progress, bytes } = status;
        this.apply({ type: 'progressed', phase, progress, ...(bytes === undefined ? {} : { bytes }) });
        return;
      }
      case 'failed': {
        const { message, hint } = status;
        this.apply({ type: 'failed', message, ...(hint === undefined ? {} : { hint }) });
        return;
      }
      case 'ready':
        this.path ??= status.path;
        this.chatTemplate = templateInUse(this.path, this.settings);
        this.apply({ type: 'loaded' });
        return;
      case 'remote':
      case 'pool':
      case 'elsewhere':
      case 'closed':
        return;
      default:
        status satisfies never;
    }
  }

  private asRefusal(error: unknown): EngineError {
    return this.isServing ? toEngineError(error) : this.refusal();
  }
}
