import { createHash } from 'node:crypto';

/** Hosts that one sandbox may have, one after another. */
export const MAX_GENERATION = 1000;

function hashed(secret: Uint8Array, times: number): Buffer {
  let step = Buffer.from(secret);
  for (let count = 0; count < times; count += 1) step = createHash('sha256').update(step).digest();
  return step;
}

/**
 * What the host of that generation shows to a kernel: the value before that of the generation before it in a chain of
 * SHA-256 (RFC 2289). A kernel that has seen one can check the next and make none. 1 is the first that takes over.
 */
export function tokenOf(secret: Uint8Array, generation: number): Buffer {
  return hashed(secret, MAX_GENERATION - generation);
}

/** What a kernel gets to check the first token with. */
export function anchorOf(secret: Uint8Array): Buffer {
  return tokenOf(secret, 0);
}
