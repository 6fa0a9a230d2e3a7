import { messageOf } from '../errors.js';

/** The closed set of ways an engine can fail (see docs/architecture.md, "Engines"). */
export type EngineErrorCode =
  | 'provider'
  | 'rate_limited'
  | 'overloaded'
  | 'timeout'
  | 'stream_interrupted'
  | 'context_overflow'
  | 'invalid_request'
  | 'unauthorized'
  | 'model_not_found'
  | 'content_filtered'
  | 'all_models_unavailable'
  | 'cancelled';

/** Why a stream broke; carried to the client in `stream_reset`. */
export type InterruptionCause =
  | 'connection_reset'
  | 'idle_stall'
  | 'go_away'
  | 'provider_5xx_mid_stream'
  | 'resumed_from_checkpoint'
  | 'engine_crash';

/** How much was asked of a window. Tokens. */
export interface ContextCounts {
  readonly promptTokens: number;
  /** Kept free for the answer. */
  readonly answerTokens: number;
  readonly contextSize: number;
}

const RETRYABLE: ReadonlySet<EngineErrorCode> = new Set([
  'provider',
  'rate_limited',
  'overloaded',
  'timeout',
  'stream_interrupted',
]);

export interface EngineErrorOptions {
  readonly cause?: unknown;
  /** Milliseconds. */
  readonly retryAfterMs?: number;
  readonly interruption?: InterruptionCause;
  readonly context?: ContextCounts;
  /** Default: as the code has it. */
  readonly retryable?: boolean;
}

export class EngineError extends Error {
  readonly retryable: boolean;
  readonly countsTowardBreaker: boolean;
  /** Milliseconds the provider asked us to wait, when it did. */
  readonly retryAfterMs: number | undefined;
  readonly interruption: InterruptionCause | undefined;
  /** Of a `context_overflow`, where they are known. */
  readonly context: ContextCounts | undefined;

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    options: EngineErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EngineError';
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.countsTowardBreaker = RETRYABLE.has(code) && code !== 'rate_limited';
    this.retryAfterMs = options.retryAfterMs;
    this.interruption = options.interruption;
    this.context = options.context;
  }
}

/** What an engine threw that is not yet one of its errors. */
export function toEngineError(reason: unknown): EngineError {
  return reason instanceof EngineError
    ? reason
    : new EngineError('provider', messageOf(reason), { cause: reason });
}
