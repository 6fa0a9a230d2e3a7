import { DomainError } from '../errors.js';
import type { RunOptions } from './run-request.js';

/** What a run asks of its single tokens must go together. */
export function checkTokenOutputs(options: RunOptions): void {
  const { logprobs, top_logprobs: top, prediction, raw, max_tokens: tokens } = options;
  if (top !== undefined && logprobs !== true) {
    throw refused(
      'top_logprobs',
      'top_logprobs needs logprobs: set logprobs to true, or leave top_logprobs out.',
    );
  }
  if (raw !== undefined && (tokens === undefined || raw * tokens > MOST_RAW_VALUES)) {
    throw refused(
      'raw',
      `raw needs max_tokens, and raw times max_tokens to be at most ${MOST_RAW_VALUES}: all of it is kept.`,
    );
  }
  const penalty = PENALTIES.find(([name, none]) => (options[name] ?? none) !== none)?.[0];
  // Of a token that is evaluated along it is not known what came before it.
  if (prediction !== undefined && penalty !== undefined) {
    throw refused('prediction', `prediction does not go together with ${penalty}: leave one of them out.`);
  }
}

/** A few megabytes a turn. */
const MOST_RAW_VALUES = 262_144;

/** Each with the value that does nothing. */
const PENALTIES = [
  ['repetition_penalty', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
] as const;

function refused(param: string, message: string): DomainError {
  return new DomainError('invalid_request', message, { param });
}
