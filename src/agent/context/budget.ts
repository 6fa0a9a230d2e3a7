import type { ContextOverflow } from '../../runs/context-overflow.js';

/** Tokens. */
export interface ContextBudget {
  readonly contextSize: number;
  /** A longer prompt is made shorter. */
  readonly limit: number;
  /** What it is made to fit, so that the next turns only add to it. */
  readonly target: number;
  /** What nothing could make shorter than `limit` is still tried up to here. */
  readonly hardLimit: number;
  /** Of a summary, at most. */
  readonly summaryTokens: number;
}

/** Of the window, kept free for an answer whose length the request does not bound. */
const ANSWER_SHARE = 1 / 4;
/** Of the window, kept free at most, however long an answer the request allows. */
const LARGEST_ANSWER_SHARE = 1 / 2;
/** Of the window: a shorter answer is not worth asking for. */
const LEAST_ANSWER_SHARE = 1 / 16;
/** Of the limit. */
const TARGET_SHARE = 1 / 2;
const SUMMARY_SHARE = 1 / 8;
const LONGEST_SUMMARY = 1024;

/**
 * `error` promises an answer to whatever the model can read, so without `maxTokens` it keeps no more free than the
 * least answer.
 */
export function contextBudget(
  contextSize: number,
  maxTokens: number | undefined,
  onOverflow: ContextOverflow,
): ContextBudget {
  const least = Math.max(1, Math.floor(contextSize * LEAST_ANSWER_SHARE));
  const unbounded = onOverflow === 'error' ? least : Math.floor(contextSize * ANSWER_SHARE);
  const answer = Math.min(maxTokens ?? unbounded, Math.floor(contextSize * LARGEST_ANSWER_SHARE));
  // One more: the engine reads the prompt and at least one token of its own.
  const limit = contextSize - Math.max(2, answer);
  return {
    contextSize,
    limit,
    target: Math.floor(limit * TARGET_SHARE),
    hardLimit: Math.max(limit, contextSize - least - 1),
    summaryTokens: Math.min(LONGEST_SUMMARY, Math.floor(limit * SUMMARY_SHARE)),
  };
}
