import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { anchorOf, tokenOf } from './token-chain.js';

const SECRET = Buffer.alloc(32, 7);

test('each token is what the one before it is the hash of', () => {
  let known = anchorOf(SECRET);
  for (const generation of [1, 2, 3]) {
    const token = tokenOf(SECRET, generation);
    expect(createHash('sha256').update(token).digest()).toEqual(known);
    known = token;
  }
});
