import { describe, expect, test } from 'vitest';
import {
  collect,
  describeEngineConformance,
  isTerminal,
  type Scenario,
  textOf,
} from '../../../test/integration/engine-conformance.js';
import { EngineError, type EngineErrorCode } from '../engine-error.js';
import type { Engine, EngineStatus, GenerateRequest } from '../engine.js';
import { failedEngine } from '../failed-engine.js';
import { createScriptedEngine } from '../scripted/scripted-engine.js';
import { calls, says, type ScriptedTurn } from '../scripted/scripted-turn.js';
import { NO_USAGE } from '../usage.js';
import type { PoolEvent } from './pool-event.js';
import { createResilientEngine } from './resilient-engine.js';

const request: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'Hello' }],
  tools: [],
  sampling: {},
};
const never = new AbortController().signal;
const forever = { type: 'wait', until: new Promise(() => undefined) } as const;

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

const failing = (code: EngineErrorCode, retryAfterMs?: number): ScriptedTurn => {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { steps: [{ type: 'fail', error: new EngineError(code, `It says ${code}.`, options) }] };
};

function scene() {
  const [first, second] = [createScriptedEngine(), createScriptedEngine()];
  const clock = { now: 0 };
  const told: PoolEvent[] = [];
  const engine = createResilientEngine(
    [
      { name: 'first', engine: first },
      { name: 'second', engine: second },
    ],
    { now: () => clock.now, onTransition: (event) => told.push(event) },
  );
  const ask = (signal = never) => collect(engine.generate(request, signal));
  const breakers = (): unknown[] => {
    const status = engine.status();
    return status.state === 'pool' ? status.members.map(({ breaker }) => breaker) : [];
  };
  /** Opens the breaker of the first. */
  const openFirst = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      first.enqueue(failing('provider'));
      second.enqueue(says('Second.'));
      await ask();
    }
  };
  return { engine, first, second, clock, told, ask, breakers, openFirst };
}

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
      await ask();
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

describe('the breaker of a member', () => {
  test('opens after five failures, and the member is not asked', async () => {
    const { ask, openFirst, first, second, breakers, told } = scene();
    await openFirst();
    expect(breakers()).toEqual(['open', 'closed']);
    expect(told).toContainEqual(expect.objectContaining({ type: 'breaker', from: 'closed', to: 'open' }));
    second.enqueue(says('Second.'));
    expect(textOf(await ask())).toBe('Second.');
    expect(first.requests).toHaveLength(5);
  });

  test('lets one probe through after 30 s; the others go elsewhere until it answers', async () => {
    const { engine, ask, openFirst, first, second, clock, breakers } = scene();
    await openFirst();
    clock.now += 30_000;
    const gate = Promise.withResolvers<void>();
    first.enqueue({
      steps: [
        { type: 'queued', position: 1 },
        { type: 'wait', until: gate.promise },
        ...says('First.').steps,
      ],
    });
    second.enqueue(says('Second.'));
    const probe = engine.generate(request, never)[Symbol.asyncIterator]();
    expect((await probe.next()).value).toMatchObject({ type: 'queued' });
    expect(breakers()).toEqual(['half_open', 'closed']);
    expect(textOf(await ask())).toBe('Second.');
    gate.resolve();
    expect((await probe.next()).value).toEqual({ type: 'text_delta', text: 'First.' });
    expect(breakers()).toEqual(['closed', 'closed']);
  });

  test.each(['leaves', 'aborts'])('lets another probe through when the reader %s', async (how) => {
    const { engine, ask, openFirst, first, clock, breakers } = scene();
    await openFirst();
    clock.now += 30_000;
    first.enqueue({ steps: [{ type: 'queued', position: 1 }, forever] }, says('First.'));
    const abort = new AbortController();
    for await (const { type } of engine.generate(request, abort.signal)) {
      if (type === 'queued' && how === 'leaves') break;
      abort.abort();
    }
    expect(breakers()).toEqual(['open', 'closed']);
    expect(textOf(await ask())).toBe('First.');
    expect(breakers()).toEqual(['closed', 'closed']);
  });

  test('counts silence, which the reader tells as the reason of its abort', async () => {
    const { ask, first, breakers } = scene();
    for (let i = 0; i < 5; i++) {
      first.enqueue({ steps: [{ type: 'text', pieces: ['One'] }, forever] });
      const stall = new AbortController();
      const events = ask(stall.signal);
      stall.abort(new EngineError('stream_interrupted', 'It says nothing.'));
      expect((await events).at(-1)).toMatchObject({ type: 'stop', reason: 'cancelled' });
    }
    expect(breakers()).toEqual(['open', 'closed']);
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
