import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { ggufBytes } from '../../src/models/gguf.fixture.js';
import { SOURCE_FLAGS } from '../../src/run-from-source.js';
import { ModelHub } from '../support/model-hub.js';
import { until } from '../support/until.js';

const MODEL = ggufBytes({
  values: {
    'general.architecture': 'llama',
    'general.name': 'Tiny\u001B[2J\u202Eevil\nok: yes',
    'llama.context_length': 4096,
    'tokenizer.chat_template': '<|im_start|>{{ tools }}',
  },
  tensors: [{ name: 'w', dimensions: [1000, 100], type: 0 }],
  dataBytes: 400_000,
});

let hub: ModelHub;
let home: string;

beforeAll(async () => {
  hub = await ModelHub.start();
});
afterAll(() => hub.stop());
beforeEach(async () => {
  hub.forget();
  hub.answers.length = 0;
  hub.files.clear();
  hub.files.set('tiny-F32.gguf', { content: MODEL });
  home = await mkdtemp(join(tmpdir(), 'gantry-cli-models-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...SOURCE_FLAGS, 'src/cli/main.ts', 'models', ...args], {
    cwd: PROJECT_ROOT,
    env: { PATH: process.env['PATH'], GANTRY_HOME: home, HF_ENDPOINT: hub.endpoint, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), readText(child.stdout), readText(child.stderr)]).then(
    ([[code], output, errors]) => ({ code: code as number | null, output, errors }),
  );
  return { child, ended };
}

const gantryModels = (...args: string[]) => start(args).ended;
const modelPath = () => join(home, 'models', 'o', 'r', 'tiny-F32.gguf');

describe('gantry models pull', () => {
  test('prints the path; progress is on standard error, a line for each tenth', async () => {
    const { code, output, errors } = await gantryModels('pull', 'hf:o/r:f32');
    expect(errors).toContain('100 %');
    expect(errors.match(/^\d+ % /gm)?.length).toBeLessThanOrEqual(10);
    expect(output).toBe(`${modelPath()}\n`);
    expect(code).toBe(0);
    expect(await readFile(modelPath())).toEqual(MODEL);
  });

  test('tells all of it as JSON lines', async () => {
    const other = join(home, 'other');
    const { code, output } = await gantryModels('pull', 'hf:o/r', '--json', '--home', other);
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'chosen', files: ['tiny-F32.gguf'], totalBytes: MODEL.length });
    expect(lines.at(-1)).toMatchObject({ type: 'done', bytes: MODEL.length });
    expect(existsSync(join(other, 'models', 'o', 'r', 'tiny-F32.gguf'))).toBe(true);
    expect(code).toBe(0);
  });

  test('after kill -9 goes on where the other was, byte for byte', async () => {
    hub.answers.push({ pause: { bytes: 250_000, until: new Promise(() => undefined) } });
    const { child, ended } = start(['pull', 'hf:o/r']);
    const part = `${modelPath()}.part`;
    await until('a quarter of a megabyte is written', 60_000, async () => {
      const stats = await stat(part).catch(() => undefined);
      return stats?.size === 250_000;
    });
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(modelPath())).toBe(false);
    expect((await gantryModels('pull', 'hf:o/r')).code).toBe(0);
    expect(hub.contentRequests.map(({ range }) => range)).toEqual([undefined, 'bytes=250000-']);
    expect(hub.sentBytes).toBe(MODEL.length);
    expect(await readFile(modelPath())).toEqual(MODEL);
  });

  test('stops at an interrupt, says that what came is kept, and leaves no lock', async () => {
    hub.answers.push({ pause: { bytes: 1000, until: new Promise(() => undefined) } });
    const { child, ended } = start(['pull', 'hf:o/r']);
    const part = `${modelPath()}.part`;
    await until('it has begun', 60_000, async () => (await stat(part).catch(() => undefined))?.size === 1000);
    child.kill('SIGINT');
    const { code, errors } = await ended;
    expect(errors).toContain('goes on from there');
    expect(code).toBe(130);
    expect(existsSync(`${part}.lock`)).toBe(false);
  });

  test('ends with 1 and the list where there is no such variant, and with 2 at a wrong command line', async () => {
    const unknown = await gantryModels('pull', 'hf:o/r:Q2_K');
    expect(unknown).toMatchObject({ code: 1, output: '' });
    expect(unknown.errors).toContain('F32  tiny-F32.gguf');
    expect((await gantryModels('pull', 'hf:../../etc')).code).toBe(2);
    expect((await gantryModels('pull', 'mine.gguf')).code).toBe(2);
    expect((await start(['pull', 'hf:o/r'], { HF_ENDPOINT: 'nonsense' }).ended).code).toBe(2);
  });
});

describe('gantry models list, inspect and rm', () => {
  test('know the demo model, and never remove it', async () => {
    const listed = await gantryModels('list');
    expect(listed.output).toMatch(/^demo +9\.\d MiB +F16 +2048/m);
    const inspected = await gantryModels('inspect', 'demo', '--json');
    expect(JSON.parse(inspected.output)).toMatchObject({
      facts: { architecture: 'llama', template: { tools: true } },
    });
    expect((await gantryModels('rm', 'demo')).code).toBe(1);
  });

  test('show a model that was fetched, and remove it with all that belongs to it', async () => {
    await gantryModels('pull', 'hf:o/r');
    expect((await gantryModels('list')).output).toMatch(/^o\/r\/tiny-F32\.gguf +390\.\d KiB +F32 +4096 +20/m);
    const { output } = await gantryModels('inspect', 'hf:o/r');
    expect(output).toMatch(/^fetched from +hf:o\/r@main$/m);
    expect(output).toMatch(/sha256:[0-9a-f]{64}/);
    // What a file says of itself is shown, and obeyed by no terminal.
    expect(output).toContain(String.raw`Tiny\x1b[2J\u{202e}evil\nok: yes`);
    expect((await gantryModels('rm', 'o/r/tiny-F32.gguf')).code).toBe(0);
    expect(existsSync(join(home, 'models', 'o'))).toBe(false);
    expect((await gantryModels('inspect', 'hf:o/r')).code).toBe(1);
  });

  test('say of a damaged file what is wrong, and go on', async () => {
    await mkdir(join(home, 'models'));
    await writeFile(join(home, 'models', 'cut.gguf'), MODEL.subarray(0, 1000));
    await writeFile(join(home, 'models', 'x\u001B]0;pwned\u0007.gguf'), '');
    await symlink('/etc', join(home, 'models', 'etc'));
    const { code, output } = await gantryModels('list');
    expect(output).toMatch(/^cut\.gguf .*its tensors go on to/m);
    expect(output).toContain(String.raw`x\x1b]0;pwned\x07.gguf`);
    expect(code).toBe(0);
    expect((await gantryModels('inspect', 'cut.gguf')).code).toBe(1);
    expect((await gantryModels('rm', '../../etc/passwd.gguf')).code).toBe(1);
  });
});
