import type { WireError } from '../../gateway/frames.js';
import type { EngineErrorCode } from '../../engine/engine-error.js';
import type { GantryEvent } from '../../events/event.js';

/** How a run that failed is told in OpenAI's shape; `status` is for an answer that has not begun. */
export interface CompletionFailure {
  readonly status: number;
  readonly error: WireError;
}

/** What went wrong behind this server is its own trouble: 502 and the like, never the caller's 401. */
const STATUS: Readonly<Record<EngineErrorCode, number>> = {
  context_overflow: 400,
  invalid_request: 400,
  content_filtered: 400,
  model_not_found: 404,
  rate_limited: 429,
  unauthorized: 502,
  provider: 502,
  stream_interrupted: 502,
  overloaded: 503,
  all_models_unavailable: 503,
  cancelled: 503,
  timeout: 504,
};

const CODES: Readonly<Record<string, string>> = {
  context_overflow: 'context_length_exceeded',
  content_filtered: 'content_filter',
};

/** Undefined for an event that does not say that the run failed. */
export function failureOf(event: GantryEvent): CompletionFailure | undefined {
  switch (event.type) {
    case 'model_error':
      return failure(isEngineCode(event.code) ? STATUS[event.code] : 500, event.message, event.code);
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
  return { status, error: { type, code: CODES[code] ?? code, message, param: null } };
}

function isEngineCode(code: string): code is EngineErrorCode {
  return Object.hasOwn(STATUS, code);
}
