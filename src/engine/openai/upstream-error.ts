import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { EngineError, type EngineErrorCode } from '../engine-error.js';

const CONTEXT_WORDS =
  /context[ _](?:length|window|size|limit)|maximum context|n_ctx|too many tokens|prompt is too long|exceeds? the (?:available|model'?s) context|exceed_context|greater than the context/i;
const FILTER_WORDS = /content_filter|content_policy|content management policy/i;
const LONGEST_MESSAGE = 500;

const CODES: Readonly<Record<number, EngineErrorCode>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'model_not_found',
  408: 'timeout',
  409: 'provider',
  413: 'context_overflow',
  425: 'provider',
  429: 'rate_limited',
  501: 'invalid_request',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
};

/** The shapes in which servers tell what went wrong. */
const errorObject = z.object({
  message: z.string().optional().catch(undefined),
  code: z.union([z.string(), z.number()]).optional().catch(undefined),
  status: z.union([z.string(), z.number()]).optional().catch(undefined),
  type: z.string().optional().catch(undefined),
});
const errorBody = z.object({
  error: z.union([z.string(), errorObject]).optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  code: z.union([z.string(), z.number()]).optional().catch(undefined),
  detail: z
    .union([z.string(), z.array(z.object({ msg: z.string() })).transform((all) => all[0]?.msg)])
    .optional()
    .catch(undefined),
});

/** What the server's own words say, for a person, and the number it gives, if any. */
interface Complaint {
  readonly text: string;
  readonly status: number | undefined;
}

/** A response that is no answer. `now` in milliseconds since 1970, for a Retry-After that is a date. */
export function statusError(
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
  now: number,
): EngineError {
  if (status >= 300 && status < 400) return redirectError(status, headers.location);
  const { text } = complaintOf(body);
  const retryAfterMs = retryAfterOf(headers, now);
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new EngineError(codeOf(status, text), `The server answered ${status}: ${text}`, options);
}

/** An error that came with status 200: alone in the body, or in the middle of the stream. */
export function errorInAnswer(payload: unknown, place: 'body' | 'stream'): EngineError {
  const { text, status } = complaintOf(payload);
  const code = codeOf(status ?? 500, text);
  const message = `The server broke off: ${text}`;
  if (place === 'body' || code !== 'provider') return new EngineError(code, message);
  return new EngineError('stream_interrupted', message, { interruption: 'provider_5xx_mid_stream' });
}

/** A socket that failed, before or after the answer began. */
export function transportError(error: unknown, host: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // The second is the end of compressed data that came too early.
  if (['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'Z_BUF_ERROR'].includes(code)) {
    return new EngineError('stream_interrupted', `The connection to ${host} broke off (${code}).`, {
      interruption: 'connection_reset',
      cause: error,
    });
  }
  const why = code === '' ? messageOf(error) : `${code}: ${messageOf(error)}`;
  return new EngineError(
    code === 'ETIMEDOUT' ? 'timeout' : 'provider',
    clean(`No answer could be had from ${host} (${why}).`),
    {
      cause: error,
    },
  );
}

function redirectError(status: number, location: string | undefined): EngineError {
  const target = location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : '';
  return new EngineError(
    'invalid_request',
    `The server redirects (${status}${target}). That is not followed, since the key would go with it: set MODEL to where it is.`,
  );
}

function codeOf(status: number, text: string): EngineErrorCode {
  if (FILTER_WORDS.test(text)) return 'content_filtered';
  const known = CODES[status];
  if (known !== undefined) return known;
  if (CONTEXT_WORDS.test(text)) return 'context_overflow';
  return status >= 400 && status < 500 ? 'invalid_request' : 'provider';
}

function complaintOf(body: unknown): Complaint {
  const parsed = errorBody.safeParse(typeof body === 'string' ? parsedJson(body) : body);
  if (!parsed.success) return { text: plainText(typeof body === 'string' ? body : ''), status: undefined };
  const { error, message, detail, code } = parsed.data;
  const inner = typeof error === 'object' ? error : { message: error };
  const words = [inner.message ?? message ?? detail, inner.type, inner.code ?? code].filter(
    (word) => typeof word === 'string',
  );
  const status = [inner.code, inner.status, code].map(Number).find((one) => one >= 400 && one < 600);
  return { text: clean(words.join(' / ')) || 'no reason given', status };
}

function plainText(body: string): string {
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(body)) return 'a web page, so MODEL may have the wrong base URL';
  return clean(body) || 'no reason given';
}

/** Seconds, a date, or OpenAI's milliseconds. */
function retryAfterOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const given = headers['retry-after']?.trim();
  if (given === undefined || given === '') return undefined;
  const seconds = Number(given);
  if (!Number.isNaN(seconds)) return seconds >= 0 && Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const date = Date.parse(given);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function clean(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return plain.length > LONGEST_MESSAGE ? `${plain.slice(0, LONGEST_MESSAGE)} ...` : plain;
}

/** The same error without the key: servers repeat it in what they complain about. */
export function withoutKey(error: EngineError, key: string | undefined): EngineError {
  if (key === undefined || !error.message.includes(key)) return error;
  const { retryAfterMs, interruption } = error;
  return new EngineError(error.code, error.message.replaceAll(key, '[the key]'), {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(interruption === undefined ? {} : { interruption }),
  });
}
