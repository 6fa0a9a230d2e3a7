import type { Duplex } from 'node:stream';
import { messageOf } from '../../errors.js';
import type { Connect } from './connect.js';
import type { LookUp } from './look-up.js';
import type { Target } from './target.js';

export type DialOutcome =
  | { readonly type: 'connected'; readonly connection: Duplex; readonly address: string }
  | { readonly type: 'private_address'; readonly address: string }
  | { readonly type: 'unresolved' | 'unreachable'; readonly reason: string };

export interface DialParts {
  readonly lookUp: LookUp;
  readonly connect: Connect;
  readonly isAllowedAddress: (address: string) => boolean;
  /** For the look-up and all attempts together. */
  readonly timeoutMs: number;
}

/** More addresses of one host than this are not tried. */
const MAX_ATTEMPTS = 4;

/**
 * Looks a host up once, keeps the addresses that are allowed, and connects to one of those very addresses: a
 * name that changes its answer in between (DNS rebinding) changes nothing. Never rejects.
 */
export async function dial(parts: DialParts, target: Target, signal: AbortSignal): Promise<DialOutcome> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(parts.timeoutMs)]);
  let addresses: readonly string[];
  try {
    addresses = await orAborted(parts.lookUp(target.host, limit), limit);
  } catch (error) {
    return { type: 'unresolved', reason: messageOf(error) };
  }
  const [first] = addresses;
  if (first === undefined) return { type: 'unresolved', reason: 'it has no address' };
  const allowed = addresses.filter(parts.isAllowedAddress).slice(0, MAX_ATTEMPTS);
  if (allowed.length === 0) return { type: 'private_address', address: first };
  let reason = '';
  for (const address of allowed) {
    try {
      const connection = await parts.connect(address, target.port, limit);
      return { type: 'connected', connection, address };
    } catch (error) {
      reason = messageOf(error);
    }
  }
  return { type: 'unreachable', reason };
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error('it took too long'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
