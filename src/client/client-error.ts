import type { WireError } from '../gateway/frames.js';

/**
 * - `request_failed`: the server said no; `error` is its answer.
 * - `refused`: the server does not let this client in, so trying again is no use.
 * - `unreachable`: no server answered.
 * - `connection_lost`: the connection broke after the request was sent; whether it was done is unknown.
 * - `timeout`: no answer in time; whether it was done is unknown.
 * - `closed`: this client was closed.
 * - `protocol`: the server said something that this client does not understand.
 */
export type ClientErrorKind =
  'request_failed' | 'refused' | 'unreachable' | 'connection_lost' | 'timeout' | 'closed' | 'protocol';

export class GantryClientError extends Error {
  /** The server's own words, where it gave any. */
  readonly error: WireError | undefined;
  /** Of the HTTP response, where there was one. */
  readonly status: number | undefined;

  constructor(
    readonly kind: ClientErrorKind,
    message: string,
    options: { readonly error?: WireError; readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GantryClientError';
    this.error = options.error;
    this.status = options.status;
  }
}
