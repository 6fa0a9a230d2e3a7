import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import { UPSTREAM_MODEL } from '../support/scripted-upstream.js';
import { engineOn, upstream } from './openai-engine-fixture.js';
import { startScriptedServer, type ScriptedServer } from './scripted-server.js';
import { describeVectorConformance } from './vector-conformance.js';

const never = new AbortController().signal;

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

function onGantry(): Engine {
  const { url, keys } = server;
  return createOpenAiEngine({
    model: `openai:${url}/v1`,
    key: keys.alice,
    contextSize: 'auto',
    parallel: 4,
  });
}

describeVectorConformance('the HTTP engine on Gantry', () => Promise.resolve(onGantry()));

test('ranks on Gantry as Gantry itself', async () => {
  const engine = onGantry();
  onTestFinished(() => engine.close());
  const documents = ['a blue car', 'a red apple', 'red car'];
  expect(await engine.rank({ owner: 'a', query: 'red apple', documents }, never)).toEqual({
    scores: [0, 1, 0.5],
    promptTokens: 14,
  });
});

interface Asked {
  readonly model: string;
  readonly input: readonly string[];
}

/** An engine on a server that answers so. */
async function on(reply: (asked: Asked) => unknown, path = '/v1/embeddings'): Promise<Engine> {
  const engine = engineOn(await upstream({ replies: { [path]: reply } }));
  onTestFinished(() => engine.close());
  return engine;
}

const embed = (engine: Engine, inputs: readonly string[]) => engine.embed({ owner: 'a', inputs }, never);
const item = (index: number, embedding: unknown) => ({ object: 'embedding', index, embedding });

describe('what servers send', () => {
  test('a large request goes in parts that every server takes, with its model, and comes back in order', async () => {
    const asked: Asked[] = [];
    const engine = await on((body) => {
      asked.push(body);
      const data = body.input.map((text, index) => item(index, [Number(text), 1]));
      return { data: data.toReversed(), usage: { prompt_tokens: body.input.length } };
    });
    const inputs = Array.from({ length: 70 }, (_, index) => String(index));
    const { vectors, promptTokens } = await embed(engine, inputs);
    expect(asked.map(({ input }) => input.length)).toEqual([32, 32, 6]);
    expect(new Set(asked.map(({ model }) => model))).toEqual(new Set([UPSTREAM_MODEL]));
    expect(promptTokens).toBe(70);
    for (const [index, [x = 0, y = 1]] of vectors.entries()) expect(x / y).toBeCloseTo(index, 3);
  });

  test('base64 although numbers were asked for', async () => {
    const bytes = Buffer.from(Float32Array.of(3, 4).buffer).toString('base64');
    const engine = await on(() => ({ data: [item(0, bytes)] }));
    const { vectors, promptTokens } = await embed(engine, ['a']);
    expect([...(vectors[0] ?? [])].map((value) => value.toFixed(3))).toEqual(['0.600', '0.800']);
    expect(promptTokens).toBe(0);
  });

  test.each([
    ['no list', () => ({ embeddings: [] }), /is not embeddings/],
    ['too few', () => ({ data: [item(0, [1])] }), /answered 1 of 2/],
    ['one twice', () => ({ data: [item(0, [1]), item(0, [1])] }), /not each once/],
    ['different lengths', () => ({ data: [item(0, [1]), item(1, [1, 2])] }), /different lengths/],
    ['no numbers', () => ({ data: [item(0, [null]), item(1, [1])] }), /is not embeddings/],
    ['half a number', () => ({ data: [item(0, 'AAA='), item(1, 'AAA=')] }), /no base64/],
  ])('%s is a failure of the server', async (_name, reply, message) => {
    await expect(embed(await on(reply), ['a', 'b'])).rejects.toMatchObject({
      code: 'provider',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a server without the route says so to whoever asked', async () => {
    const engine = await on(() => ({}), '/v1/other');
    await expect(embed(engine, ['a'])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('404') as string,
    });
    const ranking = { owner: 'a', query: 'q', documents: ['d'] };
    await expect(engine.rank(ranking, never)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test('a ranking in any order', async () => {
    const results = [
      { index: 1, relevance_score: 2.5, document: { text: 'b' } },
      { index: 0, relevance_score: -3 },
    ];
    const engine = await on(() => ({ results, usage: { total_tokens: 9 } }), '/v1/rerank');
    const ranking = { owner: 'a', query: 'q', documents: ['a', 'b'] };
    expect(await engine.rank(ranking, never)).toEqual({ scores: [-3, 2.5], promptTokens: 9 });
  });
});
