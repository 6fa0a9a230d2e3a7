import type { LlamaContextSequence } from 'node-llama-cpp';
import { describe, expect, test } from 'vitest';
import { SequencePool } from './sequence-pool.js';

const never = new AbortController().signal;
const ignore = (): void => undefined;

/** The pool only hands sequences on: names stand for them here. */
function pool(...names: string[]): SequencePool {
  return new SequencePool(names as unknown as LlamaContextSequence[]);
}

describe('SequencePool', () => {
  test('gives a session the sequence that holds its tokens', async () => {
    const sequences = pool('one', 'two');
    const a = await sequences.acquire('a', never, ignore);
    const b = await sequences.acquire('b', never, ignore);
    a.release();
    b.release();
    expect((await sequences.acquire('b', never, ignore)).sequence).toBe(b.sequence);
    expect((await sequences.acquire('a', never, ignore)).sequence).toBe(a.sequence);
  });

  test('a new session takes the sequence that was unused for longest', async () => {
    const sequences = pool('one', 'two');
    const a = await sequences.acquire('a', never, ignore);
    const b = await sequences.acquire('b', never, ignore);
    b.release();
    a.release();
    expect((await sequences.acquire('c', never, ignore)).sequence).toBe(b.sequence);
  });

  test('serves in order of arrival and tells positions as they change', async () => {
    const sequences = pool('one');
    const first = await sequences.acquire('a', never, ignore);
    const positions: Record<string, number[]> = { b: [], c: [], d: [] };
    const abort = new AbortController();
    const b = sequences.acquire('b', never, (position) => positions['b']?.push(position));
    const c = sequences.acquire('c', abort.signal, (position) => positions['c']?.push(position));
    const d = sequences.acquire('d', never, (position) => positions['d']?.push(position));
    abort.abort(new Error('no longer wanted'));
    await expect(c).rejects.toThrow('no longer wanted');
    first.release();
    first.release();
    (await b).release();
    (await d).release();
    expect(positions).toEqual({ b: [1, 1], c: [2], d: [3, 2, 1] });
  });
});
