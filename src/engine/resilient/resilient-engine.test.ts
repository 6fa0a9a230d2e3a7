import { describe, expect, test } from 'vitest';
import {
  collect,
  describeEngineConformance,
  isTerminal,
  type Scenario,
  textOf,
} from '../../../test/integration/engine-conformance.js';
import { EngineError } from '../engine-error.js';
import type { Engine, EngineStatus, GenerateRequest } from '../engine.js';
import { failedEngine } from '../failed-engine.js';
import { createScriptedEngine } from '../scripted/scripted-engine.js';
import { calls, says, type ScriptedTurn } from '../scripted/scripted-turn.js';
import { NO_USAGE } from '../usage.js';
import { failing, forever, never, request, scene } from './pool-scene.fixture.js';
import { createResilientEngine } from './resilient-engine.js';

const SCENARIOS: Record<Scenario, ScriptedTurn> = {
  text: { steps: [{ type: 'text', pieces: ['Hello', ' you.'] }] },
  reasoning: {
    steps: [
      { type: 'reasoning', pieces: ['Let me', ' see.'] },
      { type: 'text', pieces: ['Yes.'] },
    ],
  },
  call: calls({ name: 'python', arguments: { code: 'print(1234 * 567)' } }),
  long: { steps: [{ type: 'text', pieces: ['One'] }, forever] },
};

describeEngineConformance('a pool whose first member answers', () => {
  const { engine, first } = scene();
  const prepare = (scenario: Scenario): GenerateRequest => {
    first.clear();
    first.enqueue(SCENARIOS[scenario]);
    return request;
  };
  return Promise.resolve({ engine, request: prepare });
});

describeEngineConformance('a pool whose first member cannot be used', () => {
  const { engine, first, second } = scene();
  const prepare = (scenario: Scenario): GenerateRequest => {
    first.clear();
    first.enqueue(failing('overloaded'));
    second.clear();
    second.enqueue(SCENARIOS[scenario]);
    return request;
  };
  return Promise.resolve({ engine, request: prepare });
});

describe('a pool', () => {
  test.each([
    'provider',
    'rate_limited',
    'overloaded',
    'timeout',
    'unauthorized',
    'model_not_found',
  ] as const)('goes to the next member at once when the first says %s before any content', async (code) => {
    const { ask, first, second, told } = scene();
    first.enqueue(failing(code));
    second.enqueue(says('Second.'));
    const events = await ask();
    expect(textOf(events)).toBe('Second.');
    expect(events.filter(isTerminal)).toHaveLength(1);
    expect(told).toEqual([
      { type: 'fallback', name: 'second', passedOver: [{ name: 'first', why: `It says ${code}.` }] },
    ]);
  });

  test.each(['context_overflow', 'invalid_request', 'content_filtered', 'cancelled'] as const)(
    'asks nobody else, and blames nobody, for %s',
    async (code) => {
      const { ask, first, second, breakers } = scene();
      for (let i = 0; i < 6; i++) {
        first.enqueue(failing(code));
        expect((await ask()).at(-1)).toMatchObject({ type: 'error', error: { code } });
      }
      expect(second.requests).toEqual([]);
      expect(breakers()).toEqual(['closed', 'closed']);
    },
  );

  test('asks each member for the model that it has', async () => {
    const { engine, first, second } = scene();
    first.enqueue(failing('provider'));
    second.enqueue(says('Second.'));
    await collect(engine.generate({ ...request, model: 'scripted' }, never));
    expect([...first.requests, ...second.requests].map(({ model }) => model)).toEqual([undefined, undefined]);
  });

  test('ends as cancelled when a member takes an abort for a failure, and asks nobody else', async () => {
    const abort = new AbortController();
    const error = new EngineError('provider', 'The socket was closed.');
    const received = { text: '', reasoning: '', completeCalls: [] };
    const confused: Engine = {
      ...failedEngine('confused', error),
      async *generate() {
        abort.abort();
        yield { type: 'error', error, received };
      },
    };
    const second = createScriptedEngine([says('Second.')]);
    const pool = createResilientEngine([
      { name: 'confused', engine: confused },
      { name: 'second', engine: second },
    ]);
    expect(await collect(pool.generate(request, abort.signal))).toEqual([
      { type: 'stop', reason: 'cancelled', message: received },
    ]);
    expect(second.requests).toEqual([]);
  });

  test('counts the usage of the try that failed', async () => {
    const second = createScriptedEngine([says('Second.')]);
    const error = new EngineError('provider', 'gone');
    const spends: Engine = {
      ...failedEngine('spends', error),
      async *generate() {
        yield {
          type: 'usage',
          usage: { ...NO_USAGE, prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
        };
        yield { type: 'error', error, received: { text: '', reasoning: '', completeCalls: [] } };
      },
    };
    const pool = createResilientEngine([
      { name: 'spends', engine: spends },
      { name: 'second', engine: second },
    ]);
    const events = await collect(pool.generate(request, never));
    expect(events.filter(({ type }) => type === 'usage')).toMatchObject([
      { usage: { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 } },
    ]);
  });

  test('passes on a failure after the first content as it is', async () => {
    const { ask, first, second } = scene();
    const error = new EngineError('stream_interrupted', 'gone', { interruption: 'connection_reset' });
    first.enqueue({
      steps: [
        { type: 'text', pieces: ['Half'] },
        { type: 'fail', error },
      ],
    });
    expect((await ask()).at(-1)).toEqual({
      type: 'error',
      error,
      received: { text: 'Half', reasoning: '', completeCalls: [] },
    });
    expect(second.requests).toEqual([]);
  });

  test('fails in a way that may pass while a member may be asked again at once', async () => {
    const { ask, first, second } = scene();
    first.enqueue(failing('rate_limited', 4000));
    second.enqueue(failing('overloaded', 1500));
    expect((await ask()).at(-1)).toMatchObject({
      error: {
        code: 'rate_limited',
        retryable: true,
        retryAfterMs: 1500,
        message: 'No model answered. first: It says rate_limited. second: It says overloaded.',
      },
    });
  });

  test('is unavailable once nobody may be asked, and says for how long', async () => {
    const { ask, first, second, clock, told } = scene();
    for (let i = 0; i < 5; i++) {
      first.enqueue(failing('provider'));
      second.enqueue(failing('timeout'));
      clock.now += 10;
      const code = i < 4 ? 'provider' : 'all_models_unavailable';
      expect((await ask()).at(-1)).toMatchObject({ error: { code } });
    }
    clock.now += 1000;
    const [asked, end] = [first.requests.length, (await ask()).at(-1)];
    expect(end).toMatchObject({
      error: { code: 'all_models_unavailable', retryable: false, retryAfterMs: 29_000 },
    });
    expect(first.requests).toHaveLength(asked);
    expect(told.at(-1)).toMatchObject({
      type: 'exhausted',
      passedOver: [{ name: 'first' }, { name: 'second' }],
    });
  });
});

test('a member that could not be set up does not stand in the way, whatever it says', async () => {
  const second = createScriptedEngine([says('Second.')]);
  const broken = failedEngine('openai', new EngineError('invalid_request', 'MODEL is wrong.'));
  const engine = createResilientEngine([
    { name: 'openai', engine: broken },
    { name: 'second', engine: second },
  ]);
  expect(textOf(await collect(engine.generate(request, never)))).toBe('Second.');
  await expect(engine.capabilities()).resolves.toMatchObject({ model: 'openai', contextSize: 4096 });
  await expect(engine.count(request)).resolves.toBe(1);
});

test('a pool holds what the smallest of its members holds, also while that one is away', async () => {
  const large = createScriptedEngine();
  const narrow = { ...large.status(), contextSize: 2048 } as EngineStatus;
  const gone: EngineStatus = { state: 'failed', model: 'scripted', message: 'It is gone.' };
  let status = narrow;
  const pool = createResilientEngine([
    { name: 'large', engine: large },
    {
      name: 'small',
      engine: { ...failedEngine('small', new EngineError('provider', 'gone')), status: () => status },
    },
  ]);
  expect((await pool.capabilities()).contextSize).toBe(2048);
  status = gone;
  expect((await pool.capabilities()).contextSize).toBe(2048);
  expect(pool.status()).toMatchObject({ state: 'pool', contextSize: 2048 });
});
