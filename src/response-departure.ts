import type { ServerResponse } from 'node:http';

/** Aborts when the client goes away, or now if it went already: its `close` is told once, also to nobody. */
export function departureOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}
