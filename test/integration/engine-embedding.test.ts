import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import type { LlamaEngineOptions } from '../../src/engine/llama/llama-engine-options.js';
import { createResilientEngine } from '../../src/engine/resilient/resilient-engine.js';
import { createScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { endlessRequest } from '../fixtures/models/demo-requests.js';
import { until } from '../support/until.js';
import { collect } from './engine-conformance.js';
import { describeVectorConformance } from './vector-conformance.js';

const never = new AbortController().signal;

describeVectorConformance('the local engine', () => Promise.resolve(demoEngine()));
describeVectorConformance('the scripted engine', async () => {
  const engine = createScriptedEngine();
  // It is done before anybody can abort it in the middle.
  return { ...bound(engine), embed: late(engine) };
});
describeVectorConformance('a pool', async () => {
  const engine = demoEngine();
  return createResilientEngine([
    { name: 'demo', engine },
    { name: 'other', engine: createScriptedEngine() },
  ]);
});

function bound(engine: Engine): Engine {
  return {
    generate: (...request) => engine.generate(...request),
    embed: (...request) => engine.embed(...request),
    rank: (...request) => engine.rank(...request),
    count: (...request) => engine.count(...request),
    capabilities: () => engine.capabilities(),
    status: () => engine.status(),
    close: () => engine.close(),
  };
}

function late(engine: Engine): Engine['embed'] {
  return async (request, signal) => {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return engine.embed(request, signal);
  };
}

async function started(overrides: Partial<LlamaEngineOptions> = {}): Promise<Engine> {
  const engine = demoEngine(overrides);
  onTestFinished(() => engine.close());
  await engine.capabilities();
  return engine;
}

function hostOf(engine: Engine): { readonly hostPid: number; readonly memoryBytes: number } {
  const status = engine.status();
  if (status.state !== 'ready') throw new Error(`The engine is ${status.state}.`);
  return status;
}

const embed = (engine: Engine, inputs: readonly string[], owner = 'alice', signal = never) =>
  engine.embed({ owner, inputs }, signal);
const many = (length: number) => Array.from({ length }, (_, index) => `The text number ${index}.`);

describe('embeddings of the local model', () => {
  let engine: Engine;
  beforeAll(() => {
    engine = demoEngine();
  });
  afterAll(() => engine.close());

  test('an input that is too long is refused with both counts, and nothing is cut', async () => {
    await expect(embed(engine, ['short', 'word '.repeat(5000)])).rejects.toMatchObject({
      code: 'context_overflow',
      message: expect.stringMatching(
        /^Input 1 takes \d{4,} tokens; the model takes \d+ at most\.$/,
      ) as string,
    });
    await expect(embed(engine, ['x'.repeat(10_000_000)])).rejects.toMatchObject({
      code: 'context_overflow',
      message: expect.stringContaining('Input 0 has 10000000 characters') as string,
    });
  });

  test('an id that is no token is refused', async () => {
    await expect(engine.embed({ owner: 'a', inputs: [[1], [5, 99_999]] }, never)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('Input 1 has the token 99999') as string,
    });
  });

  test('a model that cannot rank says what can', async () => {
    await expect(engine.rank({ owner: 'a', query: 'q', documents: ['d'] }, never)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('reranker') as string,
    });
  });

  test('their memory is counted while they are used, and freed after', async () => {
    const engine = await started({ vectorIdleMs: 50 });
    const before = hostOf(engine).memoryBytes;
    await embed(engine, ['a']);
    expect(hostOf(engine).memoryBytes).toBeGreaterThan(before);
    await until('the memory is freed', 10_000, () => hostOf(engine).memoryBytes === before);
    expect((await embed(engine, ['a'])).vectors).toHaveLength(1);
  });
  test('a generation goes on while a large request is worked on', async () => {
    let isDone = false;
    const large = embed(engine, many(400)).then(() => (isDone = true));
    await collect(engine.generate(endlessRequest({ maxTokens: 40 }), never));
    expect(isDone).toBe(false);
    await large;
  });

  test('a small request of another owner does not wait for the end of a large one', async () => {
    const order: string[] = [];
    await Promise.all([
      embed(engine, many(300)).then(() => order.push('large')),
      embed(engine, ['one'], 'bob').then(() => order.push('small')),
    ]);
    expect(order).toEqual(['small', 'large']);
  });
});

describe('the death of the host', () => {
  test('breaks what was asked with engine_crash, and the next request is answered', async () => {
    const engine = await started();
    const { hostPid } = hostOf(engine);
    const large = embed(engine, many(2000));
    const queued = embed(engine, many(2000), 'bob');
    await embed(engine, ['one'], 'carol');
    process.kill(hostPid, 'SIGKILL');
    const crash = { code: 'stream_interrupted', retryable: true, interruption: 'engine_crash' };
    await expect(large).rejects.toMatchObject(crash);
    await expect(queued).rejects.toMatchObject(crash);
    expect((await embed(engine, ['after'])).vectors).toHaveLength(1);
    expect(hostOf(engine).hostPid).not.toBe(hostPid);
  });

  test('a closed engine says so', async () => {
    const engine = await started();
    const large = embed(engine, many(2000));
    const refused = expect(large).rejects.toMatchObject({ code: 'stream_interrupted' });
    await engine.close();
    await refused;
    await expect(embed(engine, ['a'])).rejects.toMatchObject({ code: 'cancelled' });
  });
});
