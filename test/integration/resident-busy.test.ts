import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/engine.js';
import { endlessRequest } from '../fixtures/models/demo-requests.js';
import { until } from '../support/until.js';
import { type ResidentServer, startResidentServer } from './resident-server.js';

const BOUND_MS = 30_000;

let server: ResidentServer;

beforeAll(async () => {
  // One place for a generation and one for a run: what comes second waits.
  server = await startResidentServer({ GANTRY_RUN_CONCURRENCY: '1', GANTRY_PARALLEL: '1' });
  await server.engine.capabilities();
  await server.copyDemo('small.gguf');
});
afterAll(() => server.close());

interface Run {
  readonly id: string;
  readonly session_id: string;
  readonly state: string;
}

async function startRun(key: string): Promise<Run> {
  const session = await server.ask('/v1/sessions', {}, key);
  const path = `/v1/sessions/${String(session.body['id'])}/runs`;
  const { body } = await server.ask(path, { input: 'hello', model: 'small', enable_tools: false }, key);
  return body as unknown as Run;
}

async function stateOf(run: Run, key: string): Promise<string> {
  const { body } = await server.ask(`/v1/runs/${run.id}`, undefined, key);
  return (body as unknown as Run).state;
}

/** Has the model's only place, and what it gives is not read on. */
async function holdModel() {
  const request = endlessRequest({
    model: 'small',
    sessionId: 'sess_held',
    owner: 'alice',
    maxTokens: 400,
  });
  const events = server.engine.generate(request, new AbortController().signal)[Symbol.asyncIterator]();
  await events.next();
  return async (): Promise<EngineEvent | undefined> => {
    let last: EngineEvent | undefined;
    for (let next = await events.next(); next.done !== true; next = await events.next()) last = next.value;
    return last;
  };
}

test('a model at work is not unloaded or reloaded, and whose work it is is named to its owner alone', async () => {
  const { alice, bob } = server.keys;
  await server.ask('/api/inference/load', { model_path: 'small', max_seq_length: 2048 });
  const rest = await holdModel();
  const running = await startRun(alice);
  await until('the run is worked', BOUND_MS, async () => (await stateOf(running, alice)) === 'running');
  const queued = await startRun(bob);

  for (const refused of [
    await server.ask('/api/inference/unload', { model_path: 'small' }),
    await server.ask('/api/inference/load', { model_path: 'small', max_seq_length: 256 }),
  ]) {
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'model_busy' } } });
    const text = JSON.stringify(refused.body);
    for (const id of [running.id, running.session_id, 'sess_held']) expect(text).toContain(id);
    for (const id of [queued.id, queued.session_id]) expect(text).not.toContain(id);
    expect(text).toContain('1 others');
  }
  const { body: status } = await server.ask('/api/inference/status');
  expect(status['models']).toMatchObject([{ model: 'demo', active_requests: 0 }, { model: 'small' }]);

  const forced = await server.ask('/api/inference/unload', {
    model_path: 'small',
    force_cancel_active: true,
  });
  expect(forced).toEqual({ status: 200, body: { status: 'unloaded', model: 'small' } });
  for (const [run, key] of [
    [running, alice],
    [queued, bob],
  ] as const) {
    await until('the run has ended', BOUND_MS, async () => (await stateOf(run, key)) === 'cancelled');
  }
  expect(await rest()).toMatchObject({ type: 'error', error: { code: 'model_not_found', retryable: false } });
  const chat = { messages: [{ role: 'user', content: 'hello' }] };
  expect((await server.ask('/v1/chat/completions', chat)).status).toBe(200);
});

test('a run whose model went while it waited in the queue ends with that, and the next one is worked', async () => {
  const { alice } = server.keys;
  await server.ask('/api/inference/load', { model_path: 'small', max_seq_length: 2048 });
  const rest = await holdModel();
  const first = await startRun(alice);
  await until('the run is worked', BOUND_MS, async () => (await stateOf(first, alice)) === 'running');
  // Waits for its turn without having been named: it is made while the model goes.
  const unloading = server.ask('/api/inference/unload', { model_path: 'small', force_cancel_active: true });
  await until('it is unloading', BOUND_MS, () => {
    const status = server.engine.models?.().find(({ names }) => names.includes('small'));
    return status === undefined;
  });
  const late = await server.ask('/v1/chat/completions', {
    model: 'small',
    messages: [{ role: 'user', content: 'hello' }],
  });
  expect(late).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } });
  await unloading;
  await rest();
  expect(await stateOf(first, alice)).toBe('cancelled');
});

test('a load that is cancelled while it waits for what it takes the place of loads nothing', async () => {
  await server.ask('/api/inference/load', { model_path: 'small', max_seq_length: 2048 });
  const rest = await holdModel();
  const loading = server.ask('/api/inference/load', {
    model_path: 'small',
    max_seq_length: 256,
    force_cancel_active: true,
    load_request_id: 'late',
  });
  await until('the old one is unloading', BOUND_MS, () => {
    const status = server.engine.models?.().find(({ names }) => names.includes('small'));
    return status === undefined;
  });
  const cancelled = await server.ask('/api/inference/unload', { cancel_load_request_id: 'late' });
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect(await loading).toMatchObject({ status: 409, body: { error: { code: 'load_cancelled' } } });
  await rest();
  const { body } = await server.ask('/api/inference/status');
  expect(body['models']).toMatchObject([{ model: 'demo' }]);
});
