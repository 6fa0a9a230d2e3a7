import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** The addresses of a host, in the order they should be tried. Rejects when it has none. */
export type LookUp = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Each look-up holds one of the few threads that files and cryptography need too. */
const MAX_AT_ONCE = 2;

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < MAX_AT_ONCE) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

/** The system's own way, `/etc/hosts` included. */
export const lookUpHost: LookUp = async (host, signal) => {
  if (isIP(host) !== 0) return [host];
  const found = await inTurn(async () => {
    signal.throwIfAborted();
    return lookup(host, { all: true });
  });
  return found.map(({ address }) => address);
};
