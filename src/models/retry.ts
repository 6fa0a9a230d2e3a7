import { setTimeout as delay } from 'node:timers/promises';
import { failedConnection, TransientFailure } from './transient-failure.js';

export interface RetryPolicy {
  /** Tries in a row that brought nothing new. */
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

export const PATIENT: RetryPolicy = { attempts: 6, firstDelayMs: 500, longestDelayMs: 15_000 };
export const BRIEF: RetryPolicy = { attempts: 3, firstDelayMs: 500, longestDelayMs: 2_000 };

interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  /** What is tried, for the message. */
  readonly what: string;
  /** Grows with each thing achieved; a failure after progress counts as the first one. */
  readonly progress?: () => number;
  readonly onRetry?: (reason: string, delayMs: number) => void;
}

/** Tries until it succeeds, fails for good, or fails too often without progress. Rejects with ModelError or the signal's reason. */
export async function withRetries<T>(
  { policy, signal, what, progress = () => 0, onRetry }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  let failures = 0;
  let furthest = progress();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const failure = failedConnection(error, what);
      if (!(failure instanceof TransientFailure)) throw failure;
      failures = progress() > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, progress());
      if (failures >= policy.attempts) throw failure.error;
      const wait = failure.retryAfterMs ?? backoff(policy, failures);
      onRetry?.(failure.message, wait);
      await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function backoff({ firstDelayMs, longestDelayMs }: RetryPolicy, failures: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
}
