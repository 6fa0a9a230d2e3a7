import { EngineError } from '../engine-error.js';

/** Where a server that speaks OpenAI's API is, and which of its models is meant. */
export interface UpstreamAddress {
  /** Without a slash at its end; a chat goes to `<apiUrl>/chat/completions`. */
  readonly apiUrl: string;
  /** Where the server's own routes lie (`/props`, `/tokenize`); undefined when the API is not under `/v1`. */
  readonly rootUrl: string | undefined;
  /** Undefined: the only one it has. */
  readonly model: string | undefined;
}

export const OPENAI_PREFIX = 'openai:';

/**
 * Reads MODEL's `openai:<base url>[#<model>]`. A base URL without a path means `/v1`. Throws EngineError
 * invalid_request; its message has nothing of what was given, since that may carry a password.
 */
export function parseUpstreamAddress(value: string): UpstreamAddress {
  const given = value.slice(OPENAI_PREFIX.length);
  const hash = given.indexOf('#');
  const url = parseUrl(hash < 0 ? given : given.slice(0, hash));
  const model = hash < 0 ? '' : given.slice(hash + 1).trim();
  const path = url.pathname.replace(/\/+$/, '');
  const apiUrl = `${url.origin}${path === '' ? '/v1' : path}`;
  return {
    apiUrl,
    rootUrl: apiUrl.endsWith('/v1') ? apiUrl.slice(0, -'/v1'.length) : undefined,
    model: model === '' ? undefined : model,
  };
}

/** MODEL's name of a model as logs and status may show it: of an address, what is no secret. */
export function publicModelName(value: string): string {
  if (!value.startsWith(OPENAI_PREFIX)) return value;
  const address = parsedAddress(value);
  if (address === undefined) return 'openai';
  return `${OPENAI_PREFIX}${address.apiUrl}${address.model === undefined ? '' : `#${address.model}`}`;
}

/** Whether a key for the one may be sent to the other. */
export function isSameServer(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [parsedAddress(one), parsedAddress(other)];
  return a !== undefined && b !== undefined && new URL(a.apiUrl).origin === new URL(b.apiUrl).origin;
}

function parsedAddress(value: string): UpstreamAddress | undefined {
  try {
    return parseUpstreamAddress(value);
  } catch {
    return undefined;
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw refused('It has to be of the form openai:http(s)://host[:port][/v1][#model].');
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('A key does not belong into the URL: set GANTRY_UPSTREAM_API_KEY.');
  }
  if (url.search !== '') throw refused('The base URL cannot have a query.');
  return url;
}

function refused(why: string): EngineError {
  return new EngineError('invalid_request', `MODEL names a server, but not as it should. ${why}`);
}
