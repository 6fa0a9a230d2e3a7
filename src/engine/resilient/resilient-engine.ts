import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
import { EngineError, type EngineErrorCode, toEngineError } from '../engine-error.js';
import type {
  CountRequest,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineStatus,
  GenerateRequest,
  ReceivedMessage,
  Usage,
} from '../engine.js';
import type { PassedOver } from '../passed-over.js';
import { addUsage } from '../usage.js';
import { askInOrder } from './ask-in-order.js';
import { BREAKER_LIMITS, type BreakerLimits } from './breaker.js';
import type { PoolEvent } from './pool-event.js';
import { type MemberAttempt, PoolMember } from './pool-member.js';
import { nobodyAnswered, type Refusal } from './nobody-answered.js';
import { wholeTurn } from './whole-turn.js';

export interface PoolEntry {
  /** Shown in status and log: no secrets. */
  readonly name: string;
  readonly engine: Engine;
}

export interface ResilientEngineOptions {
  readonly limits?: BreakerLimits;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly onTransition?: (event: PoolEvent) => void;
}

export interface PoolEngine extends Engine {
  /** One member alone, behind its breaker: nobody answers in its place. Undefined for a name that none has. */
  member(name: string): Engine | undefined;
}

/** Failures that another model would not mend. */
const FAULTS_OF_REQUEST: ReadonlySet<EngineErrorCode> = new Set([
  'context_overflow',
  'invalid_request',
  'content_filtered',
  'cancelled',
]);
const NOTHING: ReceivedMessage = { text: '', reasoning: '', completeCalls: [] };

/**
 * One engine over several, the first preferred. A turn that fails before its first content goes to the next
 * member at once; one that fails later ends with that failure, and who asked goes on from the prefix. Nothing
 * is tried twice here: the loop does that. Owns its members: `close` closes them.
 */
export function createResilientEngine(
  pool: readonly [PoolEntry, ...PoolEntry[]],
  options: ResilientEngineOptions = {},
): PoolEngine {
  const terms = {
    limits: options.limits ?? BREAKER_LIMITS,
    now: options.now ?? (() => performance.now()),
    onTransition: options.onTransition ?? (() => undefined),
  };
  const [first, ...others] = pool.map(({ name, engine }) => new PoolMember(name, engine, terms));
  if (first === undefined) throw new TypeError('A pool has one member at least.');
  return new ResilientEngine(first, others, terms.onTransition);
}

/** The turn went on to its end, or may go on to the next member with what it has cost so far. */
type AttemptEnd =
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly error: EngineError; readonly usage: Usage | undefined };

class ResilientEngine implements PoolEngine {
  private readonly members: readonly PoolMember[];
  private fallbacks = 0;

  constructor(
    private readonly first: PoolMember,
    others: readonly PoolMember[],
    private readonly onTransition: (event: PoolEvent) => void,
  ) {
    this.members = [first, ...others];
  }

  async *generate(asked: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    if (signal.aborted) {
      yield { type: 'stop', reason: 'cancelled', message: NOTHING };
      return;
    }
    const { model, ...request } = asked;
    const unknown = this.unknownModel(model);
    if (unknown !== undefined) {
      yield { type: 'error', error: unknown, received: NOTHING };
      return;
    }
    yield* this.askInTurn(this.members, request, signal);
  }

  private async *askInTurn(
    members: readonly PoolMember[],
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void, void> {
    const passedOver: Refusal[] = [];
    let spent: Usage | undefined;
    for (const member of members) {
      const entry = member.enter();
      if (entry.type === 'refused') {
        passedOver.push({ member, why: entry.why });
        continue;
      }
      if (passedOver.length > 0) yield this.fallBack(member, passedOver);
      const end = yield* this.ask(member, entry.attempt, request, signal, spent);
      if (end.type === 'ended') return;
      spent = end.usage;
      const { error } = end;
      passedOver.push({ member, why: error.message, error });
    }
    this.onTransition({ type: 'exhausted', passedOver: passedOver.map(named) });
    if (spent !== undefined) yield { type: 'usage', usage: spent };
    yield { type: 'error', error: nobodyAnswered(passedOver), received: NOTHING };
  }

  /** Of the preferred model alone: vectors of two models have nothing to do with each other. */
  async embed({ model, ...request }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const unknown = this.unknownModel(model);
    if (unknown !== undefined) throw unknown;
    return askInOrder([this.first], (engine) => engine.embed(request, signal), signal);
  }

  async rank({ model, ...request }: RankRequest, signal: AbortSignal): Promise<Ranking> {
    const unknown = this.unknownModel(model);
    if (unknown !== undefined) throw unknown;
    return askInOrder(this.members, (engine) => engine.rank(request, signal), signal);
  }

  async count({ model, ...request }: CountRequest): Promise<number> {
    const unknown = this.unknownModel(model);
    if (unknown !== undefined) throw unknown;
    return this.askFirstUsable((engine) => engine.count(request));
  }

  /** Those of the first that answers, in the smallest context of all, since any may be asked. */
  async capabilities(asked?: string): Promise<EngineCapabilities> {
    const unknown = this.unknownModel(asked);
    if (unknown !== undefined) throw unknown;
    const found = await this.askFirstUsable((engine) => engine.capabilities());
    const contextSize = Math.min(found.contextSize, this.contextSize ?? found.contextSize);
    return { ...found, model: this.model, contextSize };
  }

  status(): EngineStatus {
    const { contextSize, fallbacks, model } = this;
    const members = this.members.map((member) => member.status());
    return {
      state: 'pool',
      model,
      ...(contextSize === undefined ? {} : { contextSize }),
      fallbacks,
      members,
    };
  }

  /** The preferred model's name means the whole pool. */
  find(model: string): Engine | undefined {
    return model === this.model ? this : this.member(model);
  }

  member(name: string): Engine | undefined {
    const member =
      this.members.find((one) => one.name === name) ??
      this.members.find(({ engine }) => engine.status().model === name);
    return member && this.alone(member);
  }

  private alone(member: PoolMember): Engine {
    const { engine } = member;
    return {
      generate: ({ model: _model, ...request }, signal) => this.askInTurn([member], request, signal),
      embed: ({ model: _model, ...request }, signal) =>
        askInOrder([member], (one) => one.embed(request, signal), signal),
      rank: ({ model: _model, ...request }, signal) =>
        askInOrder([member], (one) => one.rank(request, signal), signal),
      count: ({ model: _model, ...request }) => engine.count(request),
      capabilities: () => engine.capabilities(),
      status: () => engine.status(),
      close: () => Promise.resolve(),
    };
  }

  forget(sessionId: string): void {
    for (const { engine } of this.members) engine.forget?.(sessionId);
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ engine }) => engine.close()));
  }

  /** The pool goes by the name of the preferred model. */
  private get model(): string {
    return this.first.engine.status().model;
  }

  private unknownModel(asked: string | undefined): EngineError | undefined {
    if (asked === undefined || asked === this.model) return undefined;
    return new EngineError('model_not_found', `No model "${asked}" is in use; "${this.model}" is.`);
  }

  private get contextSize(): number | undefined {
    const known = this.members.flatMap((member) => member.lastContextSize() ?? []);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  private fallBack({ name, engine }: PoolMember, refusals: readonly Refusal[]): EngineEvent {
    this.fallbacks += 1;
    const passedOver = refusals.map(named);
    this.onTransition({ type: 'fallback', name, passedOver });
    return { type: 'fallback', model: engine.status().model, passedOver };
  }

  private async *ask(
    member: PoolMember,
    attempt: MemberAttempt,
    request: GenerateRequest,
    signal: AbortSignal,
    spent: Usage | undefined,
  ): AsyncGenerator<EngineEvent, AttemptEnd, void> {
    // Told at once: a member that has stalled may never end.
    const onAbort = (): void => endByAbort(attempt, signal);
    signal.addEventListener('abort', onAbort, { once: true });
    let usage = spent;
    let hasContent = false;
    try {
      for await (const event of wholeTurn(member.engine.generate(request, signal))) {
        switch (event.type) {
          case 'queued':
          case 'fallback':
            yield event;
            break;
          case 'usage':
            usage = spent === undefined ? event.usage : addUsage(spent, event.usage);
            break;
          case 'stop':
            if (event.reason === 'cancelled') attempt.abandoned();
            else attempt.succeeded();
            if (usage !== undefined) yield { type: 'usage', usage };
            yield event;
            return { type: 'ended' };
          case 'error': {
            const { error, received } = event;
            attempt.failed(error);
            const mayGoOn = !hasContent && !signal.aborted && !isFaultOfRequest(error, member);
            if (mayGoOn) return { type: 'failed', error, usage };
            if (usage !== undefined) yield { type: 'usage', usage };
            yield signal.aborted ? { type: 'stop', reason: 'cancelled', message: received } : event;
            return { type: 'ended' };
          }
          default:
            hasContent = true;
            attempt.answering();
            yield event;
        }
      }
      return { type: 'ended' };
    } finally {
      signal.removeEventListener('abort', onAbort);
      attempt.abandoned();
    }
  }

  private async askFirstUsable<T>(ask: (engine: Engine) => Promise<T>): Promise<T> {
    const passedOver: Refusal[] = [];
    const usableFirst = this.members.toSorted((a, b) => Number(b.isUsable) - Number(a.isUsable));
    for (const member of usableFirst) {
      try {
        return await ask(member.engine);
      } catch (reason) {
        const error = toEngineError(reason);
        if (isFaultOfRequest(error, member)) throw error;
        passedOver.push({ member, why: error.message, error });
      }
    }
    throw nobodyAnswered(passedOver);
  }
}

function named({ member, why }: Refusal): PassedOver {
  return { name: member.name, why };
}

/** Who aborts with a failure of the engine, such as its silence, tells of it by the reason. */
function endByAbort(attempt: MemberAttempt, signal: AbortSignal): void {
  if (signal.reason instanceof EngineError) attempt.failed(signal.reason);
  else attempt.abandoned();
}

/** A member that could not be set up refuses everything; that is its own fault. */
function isFaultOfRequest(error: EngineError, { engine }: PoolMember): boolean {
  return FAULTS_OF_REQUEST.has(error.code) && engine.status().state !== 'failed';
}
