import type { EngineErrorCode } from '../engine/engine-error.js';

/** What went wrong behind this server is its own trouble: 502 and the like, never the caller's 401. */
export const ENGINE_STATUS: Readonly<Record<EngineErrorCode, number>> = {
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

/** OpenAI's words for them, where it has its own. */
export const ENGINE_CODES: Readonly<Record<string, string>> = {
  context_overflow: 'context_length_exceeded',
  content_filtered: 'content_filter',
};
