import { HttpException } from '@nestjs/common';
import { isTransientDatabaseError } from '../database/transient-error.js';
import { EngineError } from '../engine/engine-error.js';
import { DomainError, retryAfterSeconds } from '../errors.js';
import type { DomainErrorCode } from '../errors.js';
import type { WireError } from '../gateway/frames.js';
import { ENGINE_CODES, ENGINE_STATUS } from './engine-status.js';
import { describeIssues, isIssueList } from './validation-issue.js';

/** An error as a surface sends it: `{ error: body }` over HTTP, an `error` frame over WebSocket. */
export interface WireFailure {
  /** An HTTP status, 400 to 599. */
  readonly status: number;
  readonly body: WireError;
  readonly headers: Readonly<Record<string, string>>;
}

const RETRY_AFTER_SECONDS = 2;

const STATUS = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  storage_full: 507,
} as const satisfies Record<DomainErrorCode, number>;

/**
 * Any thrown value as what a client may see. Pure and total; never tells the inside of the server.
 * A status of 500 means that the thrown value was not expected: log it.
 */
export function toWireError(error: unknown): WireFailure {
  if (error instanceof DomainError) return ofDomainError(error);
  if (error instanceof EngineError) return ofEngineError(error);
  const issues = issuesOf(error);
  if (issues !== undefined) return failure(400, describeIssues(issues));
  if (error instanceof HttpException) return ofHttpException(error);
  if (isTransientDatabaseError(error)) {
    return failure(503, {
      message: 'The database cannot be reached at the moment; the same request may pass later.',
      code: 'database_unavailable',
      param: null,
    });
  }
  return ofPostgresState(postgresStateOf(error));
}

function ofDomainError(error: DomainError): WireFailure {
  if (error.code === 'internal') return internal();
  const body = { message: error.message, code: error.reason, param: error.param ?? null };
  return failure(STATUS[error.code], body, retryAfterSeconds(error));
}

function ofEngineError({ code, message, retryAfterMs }: EngineError): WireFailure {
  const wait = retryAfterMs === undefined ? RETRY_AFTER_SECONDS : Math.ceil(retryAfterMs / 1000);
  return failure(ENGINE_STATUS[code], { message, code: ENGINE_CODES[code] ?? code, param: null }, wait);
}

/** Nest's own: unknown routes, wrong methods, and what its pipes and parsers throw. */
function ofHttpException(error: HttpException): WireFailure {
  const status = error.getStatus();
  if (status >= 500 && status !== 503) return internal();
  return failure(status, {
    message: error.message,
    code: HTTP_CODES[status] ?? 'invalid_request',
    param: null,
  });
}

const HTTP_CODES: Readonly<Record<number, string>> = {
  404: 'route_not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'too_large',
  415: 'unsupported_media_type',
  503: 'unavailable',
};

/** SQLSTATEs that a request can cause although it passed validation. */
function ofPostgresState(state: string | undefined): WireFailure {
  switch (state) {
    case '22021':
    case '22P05':
      return failure(400, {
        message: 'Text must not contain NUL characters or halves of surrogate pairs.',
        code: 'invalid_text',
        param: null,
      });
    case '23503':
      return failure(409, {
        message: 'Something that this request refers to was deleted in the meantime.',
        code: 'deleted_meanwhile',
        param: null,
      });
    case '53100':
      return failure(507, {
        message: 'The disk of the database is full.',
        code: 'storage_full',
        param: null,
      });
    default:
      return internal();
  }
}

function postgresStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function issuesOf(error: unknown): Parameters<typeof describeIssues>[0] | undefined {
  if (typeof error !== 'object' || error === null || !('issues' in error)) return undefined;
  return isIssueList(error.issues) ? error.issues : undefined;
}

function internal(): WireFailure {
  return failure(500, {
    message: 'Something went wrong in the server. Its log has the cause under this request id.',
    code: 'internal',
    param: null,
  });
}

function failure(
  status: number,
  body: Omit<WireError, 'type'>,
  retryAfterSeconds: number = RETRY_AFTER_SECONDS,
): WireFailure {
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="gantry"';
  if (status === 429 || status === 503) headers['retry-after'] = String(retryAfterSeconds);
  return { status, body: { ...body, type: typeOf(status) }, headers };
}

function typeOf(status: number): string {
  if (status >= 500) return 'api_error';
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 409:
      return 'conflict_error';
    case 429:
      return 'rate_limit_error';
    default:
      return 'invalid_request_error';
  }
}
