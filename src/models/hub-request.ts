import { type HubAnswer, openAnswer } from './hub-answer.js';
import { ModelError } from './model-error.js';

/** A server that speaks the Hugging Face hub's HTTP API, and who we are there. */
export interface HubAccess {
  /** Base address, with or without a path and a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
}

export const PUBLIC_HUB = 'https://huggingface.co';

const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface HubRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Asks the hub and follows its redirects. The token goes to the hub's own origin only, and never again after a redirect
 * left it; a redirect from https to http is refused. Rejects with ModelError or the error of the connection.
 */
export async function hubFetch(hub: HubAccess, { url, headers, signal }: HubRequest): Promise<HubAnswer> {
  const home = new URL(hub.endpoint).origin;
  let place = new URL(url);
  let isAtHome = place.origin === home;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    // Bytes are counted and asked for by position, so nothing may change them on the way.
    const sent = {
      ...headers,
      'accept-encoding': 'identity',
      'user-agent': 'gantry',
      ...authorization(hub, isAtHome),
    };
    const answer = await openAnswer(place, sent, signal);
    const location = answer.header('location');
    if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
    answer.discard();
    place = nextPlace(place, location);
    isAtHome &&= place.origin === home;
  }
  throw new ModelError('hub_answer', `The hub redirects more than ${MOST_REDIRECTS} times.`);
}

function authorization({ token }: HubAccess, isAtHome: boolean): Record<string, string> {
  return token !== undefined && isAtHome ? { authorization: `Bearer ${token}` } : {};
}

function nextPlace(from: URL, location: string): URL {
  const next = URL.parse(location, from.href);
  if (
    next !== null &&
    (next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:'))
  ) {
    return next;
  }
  throw new ModelError(
    'hub_answer',
    `The hub redirects from ${from.host} to ${JSON.stringify(location)}, which is not safe to follow.`,
  );
}
