import { DomainError } from '../errors.js';
import type { RunOptions } from './run-request.js';

/** What a run asks of its single tokens must go together. */
export function checkTokenOutputs({ logprobs, top_logprobs: top }: RunOptions): void {
  if (top !== undefined && logprobs !== true) {
    throw refused(
      'top_logprobs',
      'top_logprobs needs logprobs: set logprobs to true, or leave top_logprobs out.',
    );
  }
}

function refused(param: string, message: string): DomainError {
  return new DomainError('invalid_request', message, { param });
}
