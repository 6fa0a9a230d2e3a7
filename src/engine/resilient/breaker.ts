/** Whether a member may be asked. Times are milliseconds of one monotonic clock. */
export type BreakerState =
  /** `failures`: since the last success. */
  | { readonly state: 'closed'; readonly failures: number }
  /** Nobody asks before `until`. */
  | { readonly state: 'open'; readonly until: number }
  /** One generation tries; the others go elsewhere. */
  | { readonly state: 'half_open' };

/**
 * What a generation tells. Those of the probe are apart from those of a generation that had begun before the
 * breaker opened and says nothing about now.
 */
export type BreakerEvent =
  | 'succeeded'
  | 'failed'
  | 'probe_started'
  | 'probe_answered'
  | 'probe_failed'
  /** It ended without a word about the member: the reader left, or the request itself was refused. */
  | 'probe_abandoned';

export interface BreakerLimits {
  /** Failures without a success between them that open it. */
  readonly failures: number;
  /** Milliseconds before a probe may try. */
  readonly openMs: number;
}

export const BREAKER_LIMITS: BreakerLimits = { failures: 5, openMs: 30_000 };

export const CLOSED: BreakerState = { state: 'closed', failures: 0 };

/** The state after an event; an event that the state does not wait for changes nothing. */
export function transition(
  breaker: BreakerState,
  event: BreakerEvent,
  now: number,
  limits: BreakerLimits,
): BreakerState {
  switch (breaker.state) {
    case 'closed':
      if (event === 'succeeded') return breaker.failures === 0 ? breaker : CLOSED;
      if (event !== 'failed') return breaker;
      return breaker.failures + 1 < limits.failures
        ? { state: 'closed', failures: breaker.failures + 1 }
        : { state: 'open', until: now + limits.openMs };
    case 'open':
      return event === 'probe_started' && now >= breaker.until ? { state: 'half_open' } : breaker;
    case 'half_open':
      // An answer that has begun may still break: the next failure opens it again.
      if (event === 'probe_answered') return { state: 'closed', failures: limits.failures - 1 };
      if (event === 'probe_failed') return { state: 'open', until: now + limits.openMs };
      return event === 'probe_abandoned' ? { state: 'open', until: now } : breaker;
    default:
      return breaker satisfies never;
  }
}

/** How a generation may go to the member now. `waitMs` is undefined while a probe is under way. */
export type Admission =
  | { readonly type: 'ordinary' }
  | { readonly type: 'probe' }
  | { readonly type: 'refused'; readonly waitMs: number | undefined };

export function admission(breaker: BreakerState, now: number): Admission {
  switch (breaker.state) {
    case 'closed':
      return { type: 'ordinary' };
    case 'open':
      return now >= breaker.until ? { type: 'probe' } : { type: 'refused', waitMs: breaker.until - now };
    case 'half_open':
      return { type: 'refused', waitMs: undefined };
    default:
      return breaker satisfies never;
  }
}
