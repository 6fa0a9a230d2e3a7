import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isTerminal, textOf } from '../../../test/integration/engine-conformance.js';
import { EngineError, type EngineErrorCode } from '../engine-error.js';
import { createScriptedEngine } from '../scripted/scripted-engine.js';
import { says, type ScriptedTurn } from '../scripted/scripted-turn.js';
import { CouncilEngine } from './council-engine.js';
import { forever, ofType, scene } from './council-scene.fixture.js';

const failing = (code: EngineErrorCode, message: string): ScriptedTurn => ({
  steps: [{ type: 'fail', error: new EngineError(code, message) }],
});

test('an expert that fails takes nothing from the others, and what it said is told', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue(failing('provider', 'No memory.'));
  b.enqueue(says('42'));
  c.enqueue(says('42'));
  const events = await ask({ strategy: 'vote' });
  expect(textOf(events)).toBe('42');
  expect(ofType(events, 'expert_done').find(({ expert }) => expert === 0)).toMatchObject({
    error: { code: 'provider', message: 'No memory.' },
  });
});

test('the usage is that of all who were asked and of the judge', async () => {
  const { ask, a, b, c, j } = scene();
  a.enqueue(says('41'));
  b.enqueue(says('42'));
  c.enqueue({ steps: [{ type: 'text', pieces: ['4', '3'] }] });
  j.enqueue(says('{"choice":2}'));
  const [usage] = ofType(await ask({ strategy: 'judge' }), 'usage');
  expect(usage?.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 5, total_tokens: 9 });
});

describe('all fail', () => {
  test('all_models_unavailable says what each said, and may be tried again while one may pass', async () => {
    const { ask, a, b, c } = scene();
    a.enqueue(failing('provider', 'No memory.'));
    b.enqueue({ steps: [] });
    c.enqueue(failing('unauthorized', 'Wrong key.'));
    const events = await ask({ strategy: 'first' });
    expect(events.filter(isTerminal)).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: {
        code: 'all_models_unavailable',
        retryable: true,
        message: expect.stringMatching(/a: No memory\. b: It said nothing\. c: Wrong key\./) as string,
      },
    });
  });

  test('what will not pass is final', async () => {
    const { ask, a, b, c } = scene();
    for (const engine of [a, b, c]) engine.enqueue(failing('unauthorized', 'Wrong key.'));
    expect((await ask({ strategy: 'vote' })).at(-1)).toMatchObject({
      error: { code: 'all_models_unavailable', retryable: false },
    });
  });

  test('a fault of the request that all name stays what it is, so that it can be mended', async () => {
    const { ask, a, b, c } = scene();
    for (const engine of [a, b, c]) engine.enqueue(failing('context_overflow', 'Too long.'));
    expect((await ask({})).at(-1)).toMatchObject({ error: { code: 'context_overflow' } });
  });
});

describe('who is asked', () => {
  test.each([
    ['council:a,nobody', 'model_not_found', /"nobody"/],
    ['council:a', 'invalid_request', /2 to 8/],
    ['council:a,b,c,a,b,c,a,b,c', 'invalid_request', /this one has 9/],
    ['council:a,,b', 'invalid_request', /council:a,b,c/],
    ['council:', 'invalid_request', /council:a,b,c/],
    ['council:a,council:b', 'invalid_request', /cannot be an expert/],
  ])('%s is refused before anything starts', async (model, code, message) => {
    const { ask, engine, a } = scene();
    const events = await ask({}, { model });
    expect(events).toMatchObject([
      { type: 'error', error: { code, message: expect.stringMatching(message) as string } },
    ]);
    expect(engine.find?.(model)).toBeUndefined();
    expect(a.requests).toHaveLength(0);
  });

  test('the same expert twice has a cache and a seed for each', async () => {
    const { ask, a } = scene();
    a.enqueue(says('41'), says('42'));
    await ask({ strategy: 'vote' }, { model: 'council:a,a', sampling: { seed: 7 } });
    expect(a.requests.map(({ sampling, sessionId }) => [sampling.seed, sessionId])).toEqual([
      [7, 'session-a:0'],
      [8, 'session-a:1'],
    ]);
  });

  test('a session that is forgotten is forgotten by its experts and its judge', () => {
    const forgotten: string[] = [];
    const inner = Object.assign(createScriptedEngine(), { forget: (id: string) => void forgotten.push(id) });
    new CouncilEngine(inner, () => undefined).forget('s');
    expect(forgotten).toEqual(['s', ...[0, 1, 2, 3, 4, 5, 6, 7].map((place) => `s:${place}`), 's:judge']);
  });

  test('a council has the smallest window of its experts, and tools only if all have', async () => {
    const small = createScriptedEngine();
    small.capabilities = () =>
      Promise.resolve({ model: 's', contextSize: 512, toolCalls: false, reasoning: false });
    const away = createScriptedEngine();
    away.capabilities = () => Promise.reject(new EngineError('provider', 'Gone.'));
    const engines: Record<string, typeof small> = { large: createScriptedEngine(), small, away };
    const engine = new CouncilEngine(createScriptedEngine(), (name) => engines[name]);
    expect(await engine.capabilities('council:large,small,away')).toEqual({
      model: 'council:large,small,away',
      contextSize: 512,
      toolCalls: false,
      reasoning: true,
    });
    await expect(engine.capabilities('council:away,away')).rejects.toMatchObject({
      code: 'all_models_unavailable',
    });
  });
});

describe('time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('an expert that stalls holds the others no longer than its timeout', async () => {
    const { ask, a, b, c } = scene();
    a.enqueue({ steps: [{ type: 'text', pieces: ['Hm'] }, forever] });
    b.enqueue(says('42'));
    c.enqueue(says('42'));
    const asked = ask({ strategy: 'judge', expertTimeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    const events = await asked;
    expect(textOf(events)).toBe('42');
    expect(ofType(events, 'expert_done').find(({ expert }) => expert === 0)).toMatchObject({
      error: { code: 'timeout', message: 'It did not finish within 10 s.' },
    });
  });

  test('an expert that does not even heed its abort is given up a second later', async () => {
    const { engine, a, b, ask } = scene();
    a.generate = async function* () {
      await new Promise(() => undefined);
      yield { type: 'queued', position: 1 };
    };
    b.enqueue(says('42'));
    const asked = ask({ strategy: 'first' }, { model: 'council:a,b' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(textOf(await asked)).toBe('42');
    await engine.close();
  });

  test('an abort ends all of them', async () => {
    const { ask, a, b, c } = scene();
    for (const engine of [a, b, c]) engine.enqueue({ steps: [{ type: 'text', pieces: ['Hm'] }, forever] });
    const abort = new AbortController();
    const asked = ask({ strategy: 'vote' }, {}, abort.signal);
    await vi.advanceTimersByTimeAsync(1);
    abort.abort();
    const events = await asked;
    expect(events.filter(isTerminal)).toEqual([
      { type: 'stop', reason: 'cancelled', message: { text: '', reasoning: '', completeCalls: [] } },
    ]);
    expect(ofType(events, 'expert_done')).toHaveLength(3);
  });
});
