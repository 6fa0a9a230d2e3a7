import type { Writable } from 'node:stream';

/** Aborts when the other side goes away, or now if it went already: its `close` is told once, also to nobody. */
export function departureOf(connection: Writable): AbortSignal {
  const gone = new AbortController();
  if (connection.destroyed) gone.abort();
  else connection.once('close', () => gone.abort());
  return gone.signal;
}
