import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ResidentServer, startResidentServer } from './resident-server.js';

let server: ResidentServer;

beforeAll(async () => {
  server = await startResidentServer();
  await server.engine.capabilities();
  await server.copyDemo('small.gguf');
  await server.copyDemo('large.gguf');
});
afterAll(() => server.close());

const load = (body: object) => server.ask('/api/inference/load', body);
const unload = (body: object) => server.ask('/api/inference/unload', body);
const chat = (model: string | undefined, content: string) =>
  server.ask('/v1/chat/completions', { ...(model && { model }), messages: [{ role: 'user', content }] });

const SMALL = {
  model_path: 'small.gguf',
  max_seq_length: 256,
  cache_type_kv: 'q8_0',
  n_batch: 64,
  load_mode: 'none',
  // As a client of Unsloth Studio sends them with each load.
  hf_token: null,
  load_in_4bit: true,
  is_lora: false,
  trust_remote_code: false,
  gpu_ids: null,
  speculative_type: null,
};

test('two copies under two names, with different contexts, are two models beside the default', async () => {
  const small = await load(SMALL);
  expect(small).toMatchObject({
    status: 200,
    body: {
      status: 'loaded',
      model: 'small',
      state: 'ready',
      requested: {
        max_seq_length: 256,
        cache_type_kv: 'q8_0',
        flash_attention: 'auto',
        n_threads: 'auto',
        n_batch: 64,
        load_mode: 'none',
      },
      effective: {
        max_seq_length: 256,
        cache_type_kv: 'q8_0',
        flash_attention: true,
        n_threads: 1,
        n_batch: 64,
        load_mode: 'none',
      },
      is_gguf: true,
      is_lora: false,
      is_vision: false,
      is_audio: false,
      audio_type: null,
      has_audio_input: false,
      requires_trust_remote_code: false,
      gguf_variant: 'F16',
      cache_type_kv: 'q8_0',
      speculative_type: null,
      reasoning_style: 'enable_thinking',
      reasoning_always_on: false,
      supports_preserve_thinking: false,
      inference: { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0.05 },
      chat_template: expect.stringContaining('enable_thinking') as string,
      context_length: 256,
      native_context_length: 2048,
      supports_tools: true,
      supports_reasoning: true,
    },
  });
  expect(await load({ model_path: 'large', max_seq_length: 0 })).toMatchObject({
    body: {
      model: 'large',
      requested: { max_seq_length: 0, n_batch: 'auto', load_mode: 'auto' },
      effective: { n_batch: 512, load_mode: 'auto' },
      context_length: 2048,
      max_context_length: 2048,
    },
  });
  const { body: list } = await server.ask('/v1/models');
  expect(list['data']).toMatchObject([
    { id: 'demo', context_length: 512 },
    { id: 'small', context_length: 256 },
    { id: 'large', context_length: 2048 },
  ]);
  expect((await server.ask('/api/inference/status')).body).toMatchObject({
    engine: { state: 'ready', model: 'demo' },
    active_model: 'demo',
    display_name: 'demo-agent',
    gguf_variant: 'F16',
    reasoning_style: 'enable_thinking',
    inference: { temperature: 0 },
    context_length: 512,
    loaded: ['demo', 'small', 'large'],
    loading: [],
  });
});

test('each request has the model that it names, and says so', async () => {
  for (const [asked, answers] of [
    ['small', 'small'],
    ['large.gguf', 'large'],
    ['default', 'demo'],
    [undefined, 'demo'],
  ] as const) {
    const { status, body } = await chat(asked, 'hello');
    expect([status, body['model']]).toEqual([200, answers]);
  }
  const capabilities = await Promise.all(['small', 'large'].map((name) => server.engine.capabilities(name)));
  expect(capabilities.map(({ model, contextSize }) => [model, contextSize])).toEqual([
    ['small', 256],
    ['large', 2048],
  ]);
});

test('a model that is not loaded is refused with the names of those that are', async () => {
  const { status, body } = await chat('medium', 'hello');
  expect(status).toBe(404);
  expect(body['error']).toMatchObject({ code: 'model_not_found', param: 'model' });
  expect(JSON.stringify(body)).toMatch(/demo.*small.*large/);
  await expect(server.engine.capabilities('medium')).rejects.toThrow(/"demo", "small", "large"/);
});

test('the same load again is already there; another context loads it anew', async () => {
  const settings = { ...SMALL, model_path: 'small' };
  expect((await load(settings)).body).toMatchObject({ status: 'already_loaded', context_length: 256 });
  const again = await load({ ...settings, max_seq_length: 512 });
  expect(again.body).toMatchObject({ status: 'loaded', context_length: 512 });
  expect((await load({ ...settings, max_seq_length: 512, force_reload: true })).body).toMatchObject({
    status: 'loaded',
  });
  expect((await server.ask('/v1/models/small')).body).toMatchObject({ id: 'small', context_length: 512 });
});

test('a context that cannot be had is refused, and what is loaded stays as it is', async () => {
  for (const [tokens, message] of [
    [1, /256 or more/],
    [4096, /trained for 2048/],
  ] as const) {
    const { status, body } = await load({ model_path: 'small', max_seq_length: tokens });
    expect([status, body['error']]).toMatchObject([400, { param: 'max_seq_length' }]);
    expect(JSON.stringify(body)).toMatch(message);
  }
  expect((await server.ask('/v1/models/small')).body).toMatchObject({ context_length: 512 });
});

test('a template in place of the own one is what the model is given', async () => {
  const template = "{{ 'just ' + messages[0].content }}";
  await load({ model_path: 'small', max_seq_length: 512, chat_template_override: template });
  const tokens = await server.engine.count({
    model: 'small',
    messages: [{ role: 'user', content: 'x' }],
    tools: [],
  });
  const own = await server.engine.count({ messages: [{ role: 'user', content: 'x' }], tools: [] });
  expect(tokens).toBeLessThan(own);
});

test('an unloaded model is gone, and the default can be unloaded and loaded too', async () => {
  expect(await unload({ model_path: 'small' })).toEqual({
    status: 200,
    body: { status: 'unloaded', model: 'small' },
  });
  expect((await unload({ model_path: 'small' })).status).toBe(404);
  expect((await chat('small', 'hello')).status).toBe(404);
  expect((await unload({ model_path: 'demo' })).status).toBe(200);
  expect((await server.ask('/api/inference/status')).body).toMatchObject({
    active_model: null,
    loaded: ['large'],
  });
  expect((await fetch(`${server.url}/ready`)).status).toBe(503);
  const nobody = await chat(undefined, 'hello');
  expect(nobody.status).toBe(404);
  expect(JSON.stringify(nobody.body)).toMatch(/unloaded.*large/);
  expect((await load({ model_path: 'demo' })).body).toMatchObject({ is_default: true, context_length: 512 });
  expect((await chat(undefined, 'hello')).body['model']).toBe('demo');
});

test('a model whose file was deleted is there still, with the template in use', async () => {
  const wanted = { model_path: 'large', max_seq_length: 0 };
  await load(wanted);
  await rm(join(server.models, 'large.gguf'));
  expect(await load(wanted)).toMatchObject({
    status: 200,
    body: {
      status: 'already_loaded',
      chat_template: expect.stringContaining('enable_thinking') as string,
    },
  });
  expect(await load({ ...wanted, max_seq_length: 256 })).toMatchObject({
    status: 404,
    body: { error: { code: 'not_found' } },
  });
  expect((await chat('large', 'hello')).body['model']).toBe('large');
});
