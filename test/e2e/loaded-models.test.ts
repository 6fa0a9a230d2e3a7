import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { demoModelPath } from '../../src/models/demo-model.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let home: string;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  home = await mkdtemp(join(tmpdir(), 'gantry-e2e-loaded-'));
  await mkdir(join(home, 'models'));
  await copyFile(demoModelPath(), join(home, 'models', 'second.gguf'));
  server = await startServer({
    home,
    databaseUrl: database.url,
    environment: { GANTRY_SANDBOX: 'none', GANTRY_CONTEXT_SIZE: '512', GANTRY_GPU: 'off' },
  });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

const LOAD = 'load second --context 1024 --kv-type q8_0 --batch 128 --load-mode mmap'.split(' ');

async function gantryModels(...args: readonly string[]) {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', 'models', ...args, '--url', server.url], {
    cwd: PROJECT_ROOT,
    env: { PATH: process.env['PATH'], GANTRY_API_KEY: TEST_API_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [[code], output, errors] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code: code as number, output, errors };
}

test('a model is loaded beside the first with its progress told, answers, and is unloaded', async () => {
  const loaded = await gantryModels(...LOAD);
  expect(loaded).toMatchObject({
    code: 0,
    output: expect.stringMatching(
      /^second is loaded on cpu: 1024 tokens of context, [\d.]+ MiB of memory\.\n$/,
    ),
  });
  expect((await gantryModels(...LOAD)).output).toContain('was loaded already');
  const fast = await gantryModels('load', 'second', '--load-mode', 'fast');
  expect([fast.code, fast.errors]).toEqual([expect.any(Number), expect.stringContaining('mmap+mlock')]);
  expect(fast.code).not.toBe(0);
  expect((await gantryModels()).output).toBe('demo\nsecond\n');
  const template = join(home, 'template.jinja');
  await writeFile(template, '{{ messages[0].content }}');
  const again = await gantryModels('load', 'second', '--template', template, '--reload', '--parallel', '1');
  expect(again.output).toContain('second is loaded on cpu: 512 tokens');
  expect(await gantryModels('unload', 'second')).toMatchObject({ code: 0, output: 'second is unloaded.\n' });
  expect((await gantryModels()).output).toBe('demo\n');
});

test('what is refused is told in a sentence, with a status other than 0', async () => {
  const absent = await gantryModels('load', 'absent');
  expect([absent.code, absent.errors]).toEqual([1, expect.stringContaining('no model absent')]);
  const outside = await gantryModels('load', '/etc/passwd');
  expect([outside.code, outside.errors]).toEqual([
    1,
    expect.stringContaining('not inside the models folder'),
  ]);
  const context = await gantryModels('load', 'second', '--context', 'big');
  expect([context.code, context.errors]).toEqual([2, expect.stringContaining('whole number')]);
  expect((await gantryModels('unload', 'absent')).code).toBe(1);
});
