import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoModelPath } from '../../src/models/demo-model.js';
import { ggufStart, text, u32, u64 } from '../../src/models/gguf.fixture.js';
import { writeTinyGguf } from '../fixtures/models/tiny-gguf.js';
import { type ResidentServer, startResidentServer } from './resident-server.js';

let server: ResidentServer;
let outside: string;

beforeAll(async () => {
  server = await startResidentServer();
  outside = await mkdtemp(join(tmpdir(), 'gantry-outside-'));
  const demo = await readFile(demoModelPath());
  const { models } = server;
  await writeFile(join(outside, 'secret.gguf'), demo);
  await writeFile(join(models, 'truncated.gguf'), demo.subarray(0, demo.length / 2));
  await writeFile(join(models, 'corrupt.gguf'), Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(4096, 7)]));
  await writeFile(join(models, 'diary.gguf'), 'Dear diary, today we went to the sea.');
  await writeFile(join(models, 'zero.gguf'), '');
  // A text that is said to have an exbibyte.
  await writeFile(
    join(models, 'huge.gguf'),
    ggufStart(1, Buffer.concat([text('k'), u32(8), u64(2n ** 60n)])),
  );
  await writeTinyGguf(join(models, 'alien.gguf'), { values: { 'general.architecture': 'alien' } });
  await writeFile(join(models, 'half-00001-of-00002.gguf'), demo);
  await symlink(join(outside, 'secret.gguf'), join(models, 'link.gguf'));
  await symlink(outside, join(models, 'folder'));
  await writeFile(join(models, 'shard-00001-of-00002.gguf'), demo);
  await symlink(join(outside, 'secret.gguf'), join(models, 'shard-00002-of-00002.gguf'));
  await mkdir(join(models, 'owner'));
});
afterAll(async () => {
  await server.close();
  await rm(outside, { recursive: true, force: true });
});

describe.each(['load', 'validate'])('POST /api/inference/%s', (route) => {
  const ask = (body: object) => server.ask(`/api/inference/${route}`, body);

  test.each([
    ['a file elsewhere', () => join(outside, 'secret.gguf')],
    ['a file elsewhere that is not there', () => '/no/such/file.gguf'],
    ['a system file', () => '/etc/passwd'],
    ['dots', () => `../../${outside.slice(1)}/secret.gguf`],
    ['dots inside', () => 'owner/../../secret.gguf'],
    ['the folder itself', () => '.'],
    ['a link to a file', () => 'link.gguf'],
    ['a link without its ending', () => 'link'],
    ['a way over a linked folder', () => 'folder/secret.gguf'],
    ['a linked shard', () => 'shard-00001-of-00002.gguf'],
  ])('reads nothing outside of the models folder: %s', async (_what, path) => {
    const { status, body } = await ask({ model_path: path() });
    expect([status, body['error']]).toMatchObject([400, { code: 'outside_models_folder' }]);
  });

  test.each([
    ['truncated', 400, /ends at byte/],
    ['corrupt', 400, /header/],
    ['diary', 400, /not a GGUF/],
    ['zero', 400, /empty/],
    ['huge', 400, /header/],
    ['half-00001-of-00002', 400, /00002-of-00002.gguf is missing/],
    ['absent', 404, /no model absent/],
    ['owner', 400, /not a file/],
    ['hf:owner', 400, /form hf:/],
    ['\0', 400, /NUL/],
  ])('says what is wrong with %s', async (name, expected, message) => {
    const { status, body } = await ask({ model_path: name });
    expect([status, JSON.stringify(body)]).toEqual([expected, expect.stringMatching(message)]);
  });

  test.each([
    [{ model_path: 'demo', max_seq_length: true }, 'max_seq_length'],
    [{ model_path: 'demo', max_seq_length: -1 }, 'max_seq_length'],
    [{ model_path: 'demo', max_seq_length: 1.5 }, 'max_seq_length'],
    [{ model_path: 'demo', cache_type_kv: 'q2_0' }, 'cache_type_kv'],
    [{ model_path: 'demo', gpu_layers: 3 }, 'gpu_layers'],
    [{ model_path: 'demo', gpu_memory_mode: 'manual' }, 'gpu_layers'],
    [{ model_path: 'demo', cache_type_kv: 'q4_0', flash_attention: false }, 'flash_attention'],
    [{ model_path: 'demo', n_batch: 0 }, 'n_batch'],
    [{ model_path: 'demo', load_mode: 'fast' }, 'load_mode'],
    [{ model_path: 'demo', is_lora: true }, 'is_lora'],
    [{ model_path: 'demo', trust_remote_code: true }, 'trust_remote_code'],
    [{ model_path: 'demo', gpu_ids: [0] }, 'gpu_ids'],
    [{ model_path: 'demo', speculative_type: 'ngram-mod' }, 'speculative_type'],
    [{ model_path: 'demo', tensor_split: [1] }, 'tensor_split'],
    [{ model_path: 'demo', gguf_variant: 'Q4_K_M' }, 'model_path'],
    [{}, 'model_path'],
  ])('refuses %o by the name of the field', async (request, param) => {
    const { status, body } = await ask(request);
    expect([status, body['error']]).toMatchObject([400, { type: 'invalid_request_error', param }]);
  });
});

test('an architecture that llama.cpp does not know fails with its reason, and the model is told as failed', async () => {
  const { status, body } = await server.ask('/api/inference/load', { model_path: 'alien' });
  expect([status, body['error']]).toMatchObject([400, { code: 'model_load_failed' }]);
  expect(JSON.stringify(body)).toMatch(/architecture/);
  const { body: state } = await server.ask('/api/inference/status');
  expect(state['models']).toMatchObject([
    { model: 'demo' },
    { model: 'alien', state: 'failed', error: { message: expect.any(String) as string } },
  ]);
  expect((await server.ask('/v1/models')).body['data']).toHaveLength(1);
  expect((await server.ask('/api/inference/unload', { model_path: 'alien' })).status).toBe(200);
});

test('without a key nothing of it is answered', async () => {
  for (const route of ['load', 'unload', 'validate']) {
    expect((await server.ask(`/api/inference/${route}`, { model_path: 'demo' }, 'no-key')).status).toBe(401);
  }
  expect((await server.ask('/api/inference/load-progress', undefined, 'no-key')).status).toBe(401);
});

test('a sound model is told from its header alone', async () => {
  await server.copyDemo('sound.gguf');
  const { status, body } = await server.ask('/api/inference/validate', {
    model_path: 'sound',
    max_seq_length: 1024,
  });
  expect([status, body]).toMatchObject([
    200,
    {
      valid: true,
      identifier: 'sound',
      architecture: 'llama',
      native_context_length: 2048,
      context_length: 1024,
      supports_tools: true,
      fits: true,
      would_unload: [],
    },
  ]);
  expect((await server.ask('/api/inference/status')).body['loaded']).not.toContain('sound');
});
