/**
 * What went wrong in the domain's own words. A surface maps it to its shape in one place;
 * no service knows HTTP. `details` is safe to show to a client.
 */
export type DomainErrorCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'rate_limited'
  | 'unavailable'
  | 'storage_full'
  | 'internal';

export interface DomainErrorOptions {
  /** The request field at fault, as the client wrote it. */
  readonly param?: string;
  /** A finer machine-readable reason, e.g. `session_not_found`. */
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class DomainError extends Error {
  readonly param: string | undefined;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    readonly code: DomainErrorCode,
    message: string,
    options: DomainErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.param = options.param;
    this.reason = options.reason ?? code;
    this.details = options.details ?? {};
  }
}

/** When whoever was turned away may come again, in whole seconds; undefined where the error does not say. */
export function retryAfterSeconds({ details }: DomainError): number | undefined {
  const retryAfterMs = details['retryAfterMs'];
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? Math.ceil(retryAfterMs / 1000) : undefined;
}

/** `unknown` from a catch clause as text, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
