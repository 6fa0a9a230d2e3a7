import { describe, expect, it } from 'vitest';
import { KeyedLock } from './keyed-lock.js';

describe('KeyedLock', () => {
  it('lets one at a time through for a key, in order, also after a failure, and others beside it', async () => {
    const lock = new KeyedLock();
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = lock.run('a', async () => {
      seen.push('first in');
      await gate.promise;
      seen.push('first out');
      throw new Error('failed');
    });
    const second = lock.run('a', async () => seen.push('second'));
    await lock.run('b', async () => seen.push('other key'));
    expect(seen).toEqual(['first in', 'other key']);
    gate.resolve();
    await expect(first).rejects.toThrow('failed');
    await second;
    expect(seen).toEqual(['first in', 'other key', 'first out', 'second']);
  });
});
