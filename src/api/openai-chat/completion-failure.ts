import type { WireError } from '../../gateway/frames.js';
import type { EngineErrorCode } from '../../engine/engine-error.js';
import type { GantryEvent } from '../../events/event.js';
import { ENGINE_CODES, ENGINE_STATUS } from '../engine-status.js';

/** How a run that failed is told in OpenAI's shape; `status` is for an answer that has not begun. */
export interface CompletionFailure {
  readonly status: number;
  readonly error: WireError;
}

/** Undefined for an event that does not say that the run failed. */
export function failureOf(event: GantryEvent): CompletionFailure | undefined {
  switch (event.type) {
    case 'model_error':
      return failure(isEngineCode(event.code) ? ENGINE_STATUS[event.code] : 500, event.message, event.code);
    case 'validation_error':
      return failure(400, event.message, 'invalid_request');
    case 'internal_error':
      return failure(500, event.message, 'internal');
    default:
      return undefined;
  }
}

export function failure(status: number, message: string, code: string): CompletionFailure {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'api_error' : 'invalid_request_error';
  return { status, error: { type, code: ENGINE_CODES[code] ?? code, message, param: null } };
}

function isEngineCode(code: string): code is EngineErrorCode {
  return Object.hasOwn(ENGINE_STATUS, code);
}
