import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Engine, EngineStatus } from '../../src/engine/engine.js';
import { EngineError } from '../../src/engine/engine-error.js';
import type { PoolEvent } from '../../src/engine/resilient/pool-event.js';
import { createResilientEngine } from '../../src/engine/resilient/resilient-engine.js';
import { createScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import { says, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import { NO_USAGE } from '../../src/engine/usage.js';
import { answers, startScriptedUpstream } from '../support/scripted-upstream.js';
import { TEST_LIMITS } from '../support/upstream-misbehaviours/misbehaviour.js';
import { collect, textOf } from './engine-conformance.js';
import { engineOn, REQUEST } from './openai-engine-fixture.js';
import { calling, ofType, responseOf, scriptedTool, workToEnd } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

const never = new AbortController().signal;

let workers: RunWorkers;
beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

function called(model: string, engine: Engine): Engine {
  const status = () => ({ ...engine.status(), model });
  return Object.create(engine, { status: { value: status } }) as Engine;
}

function membersOf(status: EngineStatus) {
  return status.state === 'pool' ? status.members : [];
}

test('a server that is down is gone past, then not asked, and tried again when it may be back', async () => {
  const gone = await startScriptedUpstream();
  await gone.close();
  const back = Promise.withResolvers<void>();
  const upstream = engineOn(gone, {
    limits: { ...TEST_LIMITS, retryMs: 10 },
    onStatus: ({ state }) => {
      if (state === 'remote') back.resolve();
    },
  });
  const local = createScriptedEngine(Array.from({ length: 6 }, () => says('From here.')));
  const clock = { now: 0 };
  const told: PoolEvent['type'][] = [];
  const pool = createResilientEngine(
    [
      { name: 'upstream', engine: upstream },
      { name: 'local', engine: local },
    ],
    { now: () => clock.now, onTransition: ({ type }) => told.push(type) },
  );
  const ask = async (): Promise<string> => textOf(await collect(pool.generate(REQUEST, never)));

  for (let failures = 1; failures <= 5; failures++) expect(await ask()).toBe('From here.');
  expect(membersOf(pool.status())).toMatchObject([
    { name: 'upstream', breaker: 'open', probeInMs: 30_000, failed: 5, status: { state: 'failed' } },
    { name: 'local', breaker: 'closed', answered: 5 },
  ]);
  expect((await pool.capabilities()).contextSize).toBe(4096);

  const server = await startScriptedUpstream({ port: Number(new URL(gone.url).port) });
  await back.promise;
  server.enqueue(answers([{ content: 'From there.' }]));
  expect(await ask()).toBe('From here.');
  expect(server.chats).toHaveLength(0);
  clock.now += 30_000;
  expect(await ask()).toBe('From there.');
  expect(membersOf(pool.status())[0]).toMatchObject({ breaker: 'closed', answered: 1, failed: 5 });
  expect(told.filter((type) => type === 'breaker')).toHaveLength(3);
  expect(told.filter((type) => type === 'fallback')).toHaveLength(6);
  await pool.close();
  await server.close();
});

test('a run that breaks in the middle goes on with the next model from the exact prefix', async () => {
  const error = new EngineError('stream_interrupted', 'It is gone.', {
    interruption: 'connection_reset',
    retryAfterMs: 1,
  });
  const breaks: ScriptedTurn = {
    steps: [
      { type: 'text', pieces: ['The sea ', 'is '] },
      { type: 'fail', error },
    ],
    usage: { ...NO_USAGE, prompt_tokens: 30, completion_tokens: 2, total_tokens: 32 },
  };
  const first = createScriptedEngine([breaks, { steps: [{ type: 'fail', error }] }]);
  const worker = await workers.start([], [says('blue.')], {}, undefined, (second) =>
    createResilientEngine([
      { name: 'first', engine: first },
      { name: 'second', engine: called('the second model', second) },
    ]),
  );
  const { events } = await workToEnd(worker, { input: 'sea' });
  const prefix = { text: 'The sea is ', reasoning: '' };
  expect(first.requests.map(({ continueFrom }) => continueFrom)).toEqual([undefined, prefix]);
  expect(worker.engine.requests.map(({ continueFrom }) => continueFrom)).toEqual([prefix]);
  expect(responseOf(events).choices[0]?.message.content).toBe('The sea is blue.');
  expect(ofType(events, 'stream_reset')).toMatchObject([{ cause: 'connection_reset', to_offset: 11 }]);
  expect(ofType(events, 'inference_retry')).toMatchObject([
    {
      round: 0,
      attempt: 0,
      code: 'stream_interrupted',
      message: 'It is gone.',
      delay_ms: 1,
      retry: 1,
      max_retries: 2,
    },
  ]);
  expect(ofType(events, 'model_fallback')).toMatchObject([
    {
      round: 0,
      attempt: 1,
      model: 'the second model',
      passed_over: [{ model: 'first', message: 'It is gone.' }],
    },
  ]);
  // What the attempt that broke has cost is counted as well.
  expect(responseOf(events)).toMatchObject({
    model: 'the second model',
    usage: { prompt_tokens: 31, completion_tokens: 3, total_tokens: 34 },
  });
});

test('the next round is the preferred model again, and the run goes by its name', async () => {
  const error = new EngineError('provider', 'It is busy with itself.');
  const first = createScriptedEngine([{ steps: [{ type: 'fail', error }] }, says('And said.')]);
  const echo = scriptedTool('echo');
  const worker = await workers.start([echo], [calling('echo', 'x')], {}, undefined, (second) =>
    createResilientEngine([
      { name: 'first', engine: called('the first model', first) },
      { name: 'second', engine: called('the second model', second) },
    ]),
  );
  const { events } = await workToEnd(worker, { input: 'echo x' });
  expect(ofType(events, 'model_fallback')).toMatchObject([{ round: 0, model: 'the second model' }]);
  expect(ofType(events, 'inference_retry')).toEqual([]);
  expect(responseOf(events).model).toBe('the first model');
});

test('a run fails with what each model said when none may be asked', async () => {
  const refuses = new EngineError('unauthorized', 'It wants another key.');
  const first = createScriptedEngine([{ steps: [{ type: 'fail', error: refuses }] }]);
  const script: ScriptedTurn[] = [{ steps: [{ type: 'fail', error: refuses }] }];
  const worker = await workers.start([], script, {}, undefined, (second) =>
    createResilientEngine([
      { name: 'first', engine: first },
      { name: 'second', engine: second },
    ]),
  );
  const { events } = await workToEnd(worker, { input: 'sea' });
  expect(events.at(-1)).toMatchObject({
    type: 'model_error',
    code: 'all_models_unavailable',
    message: 'No model answered. first: It wants another key. second: It wants another key.',
  });
});
