import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { type TinyModel, writeTinyGguf } from '../fixtures/models/tiny-gguf.js';
import { type TinyBert, writeTinyBert } from '../fixtures/models/tiny-bert.js';
import { until } from '../support/until.js';
import { collect } from './engine-conformance.js';
import { likeness } from './vector-conformance.js';

const never = new AbortController().signal;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-vectors-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function opened(name: string, write: (path: string) => Promise<void>): Promise<Engine> {
  const path = join(directory, `${name}.gguf`);
  await write(path);
  const engine = demoEngine({ model: path });
  onTestFinished(() => engine.close());
  return engine;
}

const engineOn = (name: string, model: TinyModel) => opened(name, (path) => writeTinyGguf(path, model));
const engineOnBert = (name: string, bert: TinyBert) => opened(name, (path) => writeTinyBert(path, bert));

/** llama.cpp's numbers of how the vectors of all tokens become one. */
const POOLING = { mean: 1, rank: 4 } as const;
const RERANKER: TinyModel = { architecture: 'qwen3', labels: ['yes', 'no'], contextLength: 2048 };

test('the mean over an input of several batches is that over all of it', async () => {
  const values = { 'llama.pooling_type': POOLING.mean, 'llama.attention.causal': false };
  const engine = await engineOn('mean', { values });
  // More than one batch of the library: the last of them holds the second text alone.
  const [first, second] = ['kjhg'.repeat(128), 'QWERTZ'.repeat(2)];
  const { vectors } = await engine.embed({ owner: 'a', inputs: [first + second, first, second] }, never);
  const [whole, long, short] = vectors as [Float32Array, Float32Array, Float32Array];
  expect(likeness(long, short)).toBeLessThan(0.5);
  expect(likeness(whole, long)).toBeGreaterThan(0.99);
});

test('a reranker gives each document a score of its own, the same each time', async () => {
  const engine = await engineOn('reranker', RERANKER);
  const documents = ['A red apple.', 'A blue car.', 'x'.repeat(1500), 'A red apple.'];
  const asked = { owner: 'a', query: 'What is red?', documents };
  const { scores, promptTokens } = await engine.rank(asked, never);
  expect(scores).toHaveLength(4);
  expect(promptTokens).toBeGreaterThan(1500);
  for (const score of scores) expect(score > 0 && score < 1).toBe(true);
  expect(scores[3]).toBeCloseTo(scores[0] ?? 0, 6);
  expect(new Set(scores.slice(0, 3)).size).toBe(3);
  expect((await engine.rank(asked, never)).scores).toEqual(scores);
});

test('a pair that is too long for a reranker is refused with both counts', async () => {
  const engine = await engineOn('short-reranker', { ...RERANKER, contextLength: 512 });
  const asked = { owner: 'a', query: 'What is red?', documents: ['short', 'x'.repeat(600)] };
  await expect(engine.rank(asked, never)).rejects.toMatchObject({
    code: 'context_overflow',
    message: expect.stringMatching(
      /^Document 1, with the query, takes 6\d\d tokens; .* 512 at most\.$/,
    ) as string,
  });
});

test('a reranker that makes scores only is no embedding model', async () => {
  const values = { 'qwen3.pooling_type': POOLING.rank };
  const engine = await engineOn('rank-only', { ...RERANKER, values });
  await expect(engine.embed({ owner: 'a', inputs: ['a'] }, never)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('reranker') as string,
  });
  expect((await engine.rank({ owner: 'a', query: 'q', documents: ['d'] }, never)).scores).toHaveLength(1);
});

async function killHost(engine: Engine): Promise<void> {
  await engine.capabilities();
  const before = engine.status();
  const victim = before.state === 'ready' ? before.hostPid : 0;
  process.kill(victim, 'SIGKILL');
  await until('another host is there, or none will be', 30_000, async () => {
    const now = engine.status();
    return now.state === 'failed' || (now.state === 'ready' && now.hostPid !== victim);
  });
}

const WORKS = ['embed', 'rank'] as const;
test.each(WORKS)('a host is not given up while it answers: %s', { timeout: 120_000 }, async (work) => {
  const engine = await engineOnBert(`mortal-${work}`, { ranks: work === 'rank' });
  const answer = () =>
    work === 'embed'
      ? engine.embed({ owner: 'a', inputs: ['a'] }, never)
      : engine.rank({ owner: 'a', query: 'q', documents: ['d'] }, never);
  for (let death = 1; death <= 5; death += 1) {
    await answer();
    await killHost(engine);
  }
  expect((await answer()).promptTokens).toBeGreaterThan(0);
});

describe('a model that only reads', () => {
  test('makes embeddings that tell texts apart', async () => {
    const engine = await engineOnBert('bert', {});
    const inputs = ['a red apple', 'a blue car', 'a red apple'];
    const { vectors, promptTokens } = await engine.embed({ owner: 'a', inputs }, never);
    const [apple, car, again] = vectors as [Float32Array, Float32Array, Float32Array];
    expect(apple).toHaveLength(32);
    expect(likeness(apple, again)).toBeCloseTo(1, 5);
    expect(likeness(apple, car)).toBeLessThan(0.9999);
    // Letters, and what begins and ends a text.
    expect(promptTokens).toBe(9 + 2 + 8 + 2 + 9 + 2);
  });

  test('gives scores where it has a head for them', async () => {
    const engine = await engineOnBert('bert-reranker', { ranks: true });
    const documents = ['a red apple', 'a blue car', 'a red apple'];
    const { scores } = await engine.rank({ owner: 'a', query: 'what is red?', documents }, never);
    expect(scores[2]).toBeCloseTo(scores[0] ?? 0, 6);
    expect(scores[1]).not.toBe(scores[0]);
  });

  test('is refused a chat, with what it is for', async () => {
    const engine = await engineOnBert('bert-chat', {});
    const messages = [{ role: 'user' as const, content: 'hello' }];
    const request = { sessionId: 's', messages, tools: [], sampling: {} };
    const events = await collect(engine.generate(request, never));
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: {
        code: 'invalid_request',
        message: expect.stringContaining('embeddings') as string,
      },
    });
  });

  test('tells an input that is too long by its counts', async () => {
    const engine = await engineOnBert('bert-short', { contextLength: 64 });
    const inputs = ['short', 'x'.repeat(100)];
    await expect(engine.embed({ owner: 'a', inputs }, never)).rejects.toMatchObject({
      code: 'context_overflow',
    });
  });
});
