import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoModelPath } from '../../src/models/demo-model.js';
import { endlessRequest } from '../fixtures/models/demo-requests.js';
import { ModelHub } from '../support/model-hub.js';
import { childrenOf } from '../support/attacks/child-processes.js';
import { until } from '../support/until.js';
import { type ResidentServer, startResidentServer } from './resident-server.js';

const BOUND_MS = 30_000;

let server: ResidentServer;
let hub: ModelHub;

afterAll(() => hub.stop());

const load = (body: object, key?: string) => server.ask('/api/inference/load', body, key);
const names = async (): Promise<unknown> => (await server.ask('/api/inference/status')).body['loaded'];

beforeAll(async () => {
  hub = await ModelHub.start();
  hub.files.set('demo-F16.gguf', { content: await readFile(demoModelPath()) });
});

describe('a budget for two models beside the default', () => {
  beforeAll(async () => {
    server = await startResidentServer({ GANTRY_MODEL_MEMORY_MB: '90' });
    await server.engine.capabilities();
    for (const name of ['a.gguf', 'b.gguf', 'c.gguf']) await server.copyDemo(name);
  });
  afterAll(() => server.close());

  test('the least recently used goes for the next; what is at work and the default stay', async () => {
    await load({ model_path: 'a', max_seq_length: 512 });
    await load({ model_path: 'b', max_seq_length: 512 });
    expect(await names()).toEqual(['demo', 'a', 'b']);
    const chat = { model: 'a', messages: [{ role: 'user', content: 'hello' }] };
    await server.ask('/v1/chat/completions', chat);
    const wanted = { model_path: 'c', max_seq_length: 512 };
    expect((await server.ask('/api/inference/validate', wanted)).body).toMatchObject({
      fits: true,
      would_unload: ['b'],
    });
    expect((await load(wanted)).status).toBe(200);
    expect(await names()).toEqual(['demo', 'a', 'c']);

    const events = server.engine.generate(endlessRequest({ model: 'a' }), new AbortController().signal);
    const held = events[Symbol.asyncIterator]();
    await held.next();
    expect((await load({ model_path: 'b', max_seq_length: 512 })).status).toBe(200);
    expect(await names()).toEqual(['demo', 'a', 'b']);
    await held.return?.();
  });

  test('what does not fit though all idle ones went is refused with what it needs, and nothing goes for it', async () => {
    const { status, body } = await load({ model_path: 'c', max_seq_length: 2048, n_parallel: 64 });
    expect([status, body['error']]).toMatchObject([507, { code: 'insufficient_memory' }]);
    expect(JSON.stringify(body)).toMatch(/needs about \d+ MiB.*\d+ MiB can be had/);
    expect(await names()).toEqual(['demo', 'a', 'b']);
  });
});

describe('loads that are broken off', () => {
  beforeAll(async () => {
    server = await startResidentServer({ HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_of_the_server' });
    await server.engine.capabilities();
    await server.copyDemo('a.gguf');
  });
  afterAll(() => server.close());

  const cancel = (id: string, key?: string) =>
    server.ask('/api/inference/unload', { cancel_load_request_id: id }, key);

  test('a download is cancelled in its middle, with its bytes told, and goes on from there the next time', async () => {
    const paused = Promise.withResolvers<void>();
    hub.answers.push({ pause: { bytes: 2_000_000, until: paused.promise } });
    const request = { model_path: 'hf:o/demo', gguf_variant: 'F16', hf_token: 'hf_of_the_request' };
    const first = load({ ...request, load_request_id: 'load-1' });
    await until('bytes are told', BOUND_MS, async () => {
      const { body } = await server.ask('/api/inference/load-progress?model=o/demo:F16');
      return body['phase'] === 'download' && Number(body['bytes_loaded']) > 0;
    });
    expect((await server.ask('/api/inference/status')).body).toMatchObject({ loading: ['o/demo:F16'] });
    expect(await load({ ...request, load_request_id: 'load-1' })).toMatchObject({
      status: 409,
      body: { error: { code: 'duplicate_load_request_id' } },
    });
    // Another principal's id is another id.
    expect((await cancel('load-1', server.keys.bob)).body).toMatchObject({ status: 'cancel_waiting' });
    expect((await cancel('load-1')).body).toMatchObject({ status: 'cancelled' });
    expect(await first).toMatchObject({ status: 409, body: { error: { code: 'load_cancelled' } } });
    expect((await server.ask('/api/inference/status')).body).toMatchObject({ loaded: ['demo'], loading: [] });
    paused.resolve();

    const second = await load(request);
    expect(second.body).toMatchObject({ status: 'loaded', model: 'o/demo:F16', context_length: 512 });
    const downloads = hub.requests.filter(({ authorization }) => authorization !== undefined);
    expect(new Set(downloads.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hf_of_the_request']),
    );
    expect(hub.requests.at(-1)?.range).toMatch(/^bytes=[1-9]/);
    const told = JSON.stringify([second.body, (await server.ask('/api/inference/status')).body]);
    expect(told).not.toMatch(/hf_of_the/);
  });

  test('what the disk has no room for is refused before a byte is fetched, and nothing is left behind', async () => {
    hub.files.set('vast-Q8_0.gguf', { content: Buffer.from('GGUF'), listed: { bytes: 2 ** 50 } });
    const { status, body } = await load({ model_path: 'hf:o/demo:Q8_0' });
    hub.files.delete('vast-Q8_0.gguf');
    expect([status, body['error']]).toMatchObject([507, { code: 'not_enough_space' }]);
    expect((await server.ask('/api/inference/status')).body).toMatchObject({ loading: [] });
    expect((await server.ask('/api/inference/load-progress?model=o/demo:Q8_0')).body['phase']).toBeNull();
  });

  test('a cancel that comes first ends its load, once', async () => {
    const request = { model_path: 'a', load_request_id: 'load-2' };
    expect((await cancel('load-2')).body).toEqual({ status: 'cancel_waiting', load_request_id: 'load-2' });
    expect(await load(request)).toMatchObject({ status: 409, body: { error: { code: 'load_cancelled' } } });
    expect((await load(request)).status).toBe(200);
    await server.ask('/api/inference/unload', { model_path: 'a' });
  });

  test('two loads of the same at once are one, and one with other settings meanwhile is refused', async () => {
    const both = [load({ model_path: 'a' }), load({ model_path: 'a' })];
    await until('it loads', BOUND_MS, async () => {
      const { body } = await server.ask('/api/inference/status');
      return (body['loading'] as string[]).includes('a');
    });
    const other = await load({ model_path: 'a', max_seq_length: 1024 });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'load_in_progress' } } });
    expect((await Promise.all(both)).map(({ body }) => body['status'])).toEqual(['loaded', 'loaded']);
    await server.ask('/api/inference/unload', { model_path: 'a' });
  });

  test('a host that is killed in the middle of a load is started again, and the load comes to its end', async () => {
    const before = new Set(await childrenOf(process.pid));
    const loading = load({ model_path: 'a' });
    const host = await until('the host is there', BOUND_MS, async () =>
      (await childrenOf(process.pid)).find((pid) => !before.has(pid)),
    );
    process.kill(Number(host), 'SIGKILL');
    expect((await loading).body).toMatchObject({ status: 'loaded', state: 'ready' });
    const status = server.engine.find?.('a')?.status();
    expect(status?.state === 'ready' && status.hostPid).not.toBe(Number(host));
    await server.ask('/api/inference/unload', { model_path: 'a' });
    expect(await childrenOf(process.pid)).not.toContain(host);
  });
});

describe('a process that works no runs', () => {
  beforeAll(async () => {
    server = await startResidentServer({ GANTRY_WORKER: 'off' });
  });
  afterAll(() => server.close());

  test('says that it has no engine to load into', async () => {
    for (const [path, body] of [
      ['load', { model_path: 'demo' }],
      ['unload', { model_path: 'demo' }],
      ['validate', { model_path: 'demo' }],
      ['load-progress', undefined],
    ] as const) {
      const answer = await server.ask(`/api/inference/${path}`, body);
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 'no_engine_here' } } });
      expect(JSON.stringify(answer.body)).toContain('GANTRY_WORKER');
    }
    expect((await server.ask('/api/inference/status')).body).toMatchObject({
      engine: { state: 'elsewhere' },
      models: [],
    });
  });
});
