import type { EngineError } from '../engine/engine-error.js';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;

/** Full jitter under a doubling bound; what the engine asks for counts, up to the longest pause. */
export function retryDelayMs(failure: EngineError, retries: number, random: number): number {
  if (failure.retryAfterMs !== undefined) return Math.min(failure.retryAfterMs, LONGEST_RETRY_MS);
  return random * Math.min(FIRST_RETRY_MS * 2 ** retries, LONGEST_RETRY_MS);
}
