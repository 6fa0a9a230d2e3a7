import type { Engine, EngineStatus, PoolMemberStatus } from '../engine.js';
import type { EngineError } from '../engine-error.js';
import {
  admission,
  type BreakerEvent,
  type BreakerLimits,
  type BreakerState,
  CLOSED,
  transition,
} from './breaker.js';
import type { PoolEvent } from './pool-event.js';

export interface PoolTerms {
  readonly limits: BreakerLimits;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly onTransition: (event: PoolEvent) => void;
}

export type Entry =
  | { readonly type: 'admitted'; readonly attempt: MemberAttempt }
  | { readonly type: 'refused'; readonly why: string };

/** One engine of a pool with its breaker. */
export class PoolMember {
  private breaker: BreakerState = CLOSED;
  private lastError: EngineError | undefined;
  private answered = 0;
  private failed = 0;
  private knownContext: number | undefined;

  constructor(
    readonly name: string,
    readonly engine: Engine,
    private readonly terms: PoolTerms,
  ) {}

  /** Who is admitted tells the attempt how it ended. */
  enter(): Entry {
    const entry = admission(this.breaker, this.terms.now());
    switch (entry.type) {
      case 'ordinary':
        return { type: 'admitted', attempt: new MemberAttempt(this, 'ordinary') };
      case 'probe':
        this.tell('probe_started');
        return { type: 'admitted', attempt: new MemberAttempt(this, 'probe') };
      case 'refused': {
        const why = `not asked after failures, the last: ${this.lastError?.message ?? 'unknown'}`;
        return { type: 'refused', why };
      }
      default:
        return entry satisfies never;
    }
  }

  tell(event: BreakerEvent, error?: EngineError): void {
    this.lastError = error ?? this.lastError;
    const { state: from } = this.breaker;
    this.breaker = transition(this.breaker, event, this.terms.now(), this.terms.limits);
    const { state: to } = this.breaker;
    if (from === to) return;
    const { name } = this;
    this.terms.onTransition({ type: 'breaker', name, from, to, ...(error === undefined ? {} : { error }) });
  }

  countAnswer(): void {
    this.answered += 1;
  }

  countFailure(): void {
    this.failed += 1;
  }

  /** A generation that came now would be sent here at once. */
  get admits(): boolean {
    return admission(this.breaker, this.terms.now()).type !== 'refused';
  }

  /** Milliseconds until its breaker lets a generation through; undefined when it does, or nobody knows. */
  get waitMs(): number | undefined {
    const entry = admission(this.breaker, this.terms.now());
    return entry.type === 'refused' ? entry.waitMs : undefined;
  }

  /** Likely to answer a question now: no failure says otherwise. */
  get isUsable(): boolean {
    return this.breaker.state === 'closed' && this.engine.status().state !== 'failed';
  }

  /** Tokens, as it last told; a member that is away comes back with as many. */
  lastContextSize(): number | undefined {
    this.knownContext = contextSizeOf(this.engine.status()) ?? this.knownContext;
    return this.knownContext;
  }

  status(): PoolMemberStatus {
    const { name, answered, failed, breaker } = this;
    return {
      name,
      breaker: breaker.state,
      ...(breaker.state === 'open'
        ? { probeInMs: Math.max(0, Math.ceil(breaker.until - this.terms.now())) }
        : {}),
      answered,
      failed,
      ...(this.lastError === undefined ? {} : { lastError: this.lastError.message }),
      status: this.engine.status(),
    };
  }
}

function contextSizeOf(status: EngineStatus): number | undefined {
  return 'contextSize' in status ? status.contextSize : undefined;
}

/** One generation of a member, as its breaker sees it. Only the first end counts. */
export class MemberAttempt {
  private hasEnded = false;

  constructor(
    private readonly member: PoolMember,
    private kind: 'ordinary' | 'probe',
  ) {}

  /** The first content has come. */
  answering(): void {
    if (this.hasEnded || this.kind === 'ordinary') return;
    this.kind = 'ordinary';
    this.member.tell('probe_answered');
  }

  succeeded(): void {
    if (this.hasEnded) return;
    this.answering();
    this.hasEnded = true;
    this.member.countAnswer();
    this.member.tell('succeeded');
  }

  failed(error: EngineError): void {
    if (this.hasEnded) return;
    this.member.countFailure();
    if (!error.countsTowardBreaker) {
      this.abandoned();
      return;
    }
    this.hasEnded = true;
    this.member.tell(this.kind === 'probe' ? 'probe_failed' : 'failed', error);
  }

  /** It says nothing about the member. */
  abandoned(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (this.kind === 'probe') this.member.tell('probe_abandoned');
  }
}
