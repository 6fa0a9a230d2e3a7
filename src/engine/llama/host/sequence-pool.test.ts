import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { describe, expect, test } from 'vitest';
import { SequencePool } from './sequence-pool.js';

const never = new AbortController().signal;
const ignore = (): void => undefined;

/** As much of a sequence as the pool looks at: letters stand for tokens. */
class Letters {
  constructor(public held = '') {}

  get nextTokenIndex(): number {
    return this.held.length;
  }

  compareContextTokens(tokens: readonly Token[]): { firstDifferentIndex: number } {
    const different = tokensOf(this.held).findIndex((token, index) => token !== tokens[index]);
    return { firstDifferentIndex: different === -1 ? this.held.length : different };
  }
}

const tokensOf = (letters: string) => letters.split('').map((letter) => letter.charCodeAt(0) as Token);

function poolOf(...sequences: Letters[]): SequencePool {
  return new SequencePool(sequences as unknown as LlamaContextSequence[]);
}

const by = (sessionId: string, prompt = '', owner = sessionId) => ({
  sessionId,
  owner,
  tokens: tokensOf(prompt),
  kept: 0,
});

describe('SequencePool', () => {
  test('gives a session the sequence that holds its tokens', async () => {
    const pool = poolOf(new Letters(), new Letters());
    const a = await pool.acquire(by('a'), never, ignore);
    const b = await pool.acquire(by('b'), never, ignore);
    a.release();
    b.release();
    expect((await pool.acquire(by('b'), never, ignore)).sequence).toBe(b.sequence);
    expect((await pool.acquire(by('a'), never, ignore)).sequence).toBe(a.sequence);
  });

  test('a new session takes the sequence that was unused for longest, and says who makes room', async () => {
    const pool = poolOf(new Letters(), new Letters());
    const a = await pool.acquire(by('a'), never, ignore);
    const b = await pool.acquire(by('b'), never, ignore);
    expect([a.displaced, b.displaced]).toEqual([undefined, undefined]);
    b.release();
    a.release();
    const c = await pool.acquire(by('c'), never, ignore);
    expect(c.sequence).toBe(b.sequence);
    expect(c.displaced).toBe('b');
  });

  test('a conversation that comes back as another session of its owner goes on where it was', async () => {
    const [old, used] = [new Letters(), new Letters()];
    const pool = poolOf(old, used);
    const first = await pool.acquire(by('a', 'hello', 'ada'), never, ignore);
    const other = await pool.acquire(by('b', 'other', 'ada'), never, ignore);
    first.release();
    other.release();
    [old.held, used.held] = ['hello there', 'other'];
    const strangers = await pool.acquire(by('x', 'hello there, again', 'eve'), never, ignore);
    expect([strangers.displaced, strangers.foreign]).toEqual(['a', true]);
    strangers.release();
    const pool2 = poolOf(old, used);
    for (const [name, prompt] of [
      ['a', 'hello'],
      ['b', 'other'],
    ] as const) {
      (await pool2.acquire(by(name, prompt, 'ada'), never, ignore)).release();
    }
    (await pool2.acquire(by('a', 'hello', 'ada'), never, ignore)).release();
    const back = await pool2.acquire(by('c', 'hello there, again', 'ada'), never, ignore);
    expect(back.sequence).toBe(old);
    expect([back.displaced, back.foreign]).toEqual([undefined, false]);
  });

  test('what is forgotten is nobody’s: it is neither gone on with nor kept', async () => {
    const only = new Letters();
    const pool = poolOf(only);
    const lease = await pool.acquire(by('a', 'hello', 'ada'), never, ignore);
    pool.forget('a');
    lease.release();
    only.held = 'hello there';
    const next = await pool.acquire(by('b', 'hello there, again', 'ada'), never, ignore);
    expect([next.displaced, next.foreign]).toEqual([undefined, true]);
  });

  test('serves owners in turn and tells positions as they change', async () => {
    const pool = poolOf(new Letters());
    const first = await pool.acquire(by('a'), never, ignore);
    const told: Record<string, number[]> = {};
    const ask = (sessionId: string, owner: string, signal = never) => {
      const positions = (told[sessionId] = [] as number[]);
      return pool.acquire(by(sessionId, '', owner), signal, (position) => positions.push(position));
    };
    const abort = new AbortController();
    const b = ask('b', 'ada');
    const c = ask('c', 'ada', abort.signal);
    const d = ask('d', 'eve');
    expect(told).toEqual({ b: [1], c: [2, 3], d: [2] });
    abort.abort(new Error('no longer wanted'));
    await expect(c).rejects.toThrow('no longer wanted');
    first.release();
    first.release();
    (await b).release();
    (await d).release();
    expect(told).toEqual({ b: [1], c: [2, 3], d: [2, 1] });
  });

  test('rounds that go on pass a long prompt, three times', async () => {
    const going = new Letters('x'.repeat(1000));
    const pool = poolOf(going);
    const first = await pool.acquire(by('going', '', 'a'), never, ignore);
    const served: string[] = [];
    const ask = async (sessionId: string, prompt: string, kept = 0) => {
      const lease = await pool.acquire({ ...by(sessionId, prompt), kept }, never, ignore);
      served.push(sessionId);
      lease.release();
    };
    const document = 'd'.repeat(500);
    const all = [
      ask('long', document),
      ask('other long', document),
      ask('kept', document, 400),
      ask('going', `${going.held}more`),
      ...['short', 'shorter', 'late'].map((name) => ask(name, name)),
    ];
    first.release();
    await Promise.all(all);
    expect(served).toEqual(['kept', 'going', 'short', 'long', 'other long', 'shorter', 'late']);
  });
});
