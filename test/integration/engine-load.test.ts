import { mkdtemp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineStatus } from '../../src/engine/engine.js';
import { createLlamaEngine } from '../../src/engine/llama/llama-engine.js';
import type { LlamaEngineOptions } from '../../src/engine/llama/llama-engine-options.js';
import { parseModelSource } from '../../src/engine/llama/model-source.js';
import { PUBLIC_HUB } from '../../src/models/hub-request.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect } from './engine-conformance.js';

const never = new AbortController().signal;
let directory: string;
let demoPath: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-engine-'));
  const { location } = parseModelSource('demo', directory, { endpoint: PUBLIC_HUB });
  demoPath = location.kind === 'file' ? location.path : '';
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function failure(
  overrides: Partial<LlamaEngineOptions>,
): Promise<Extract<EngineStatus, { state: 'failed' }>> {
  const engine = createLlamaEngine({
    model: 'demo',
    homeDirectory: directory,
    contextSize: 'auto',
    threads: 'auto',
    gpu: false,
    ...overrides,
  });
  const events = await collect(engine.generate(demoRequest('Hello!'), never));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ type: 'error', error: { retryable: false } });
  await expect(engine.capabilities()).rejects.toMatchObject({ name: 'EngineError' });
  const status = engine.status();
  await engine.close();
  if (status.state !== 'failed') throw new Error(`not failed: ${JSON.stringify(status)}`);
  return status;
}

async function fixture(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe('a model that cannot be loaded', () => {
  test('a file that is not there', async () => {
    const status = await failure({ model: join(directory, 'none.gguf') });
    expect(status.message).toContain('none.gguf');
    expect(status.hint).toContain('MODEL');
  });

  test('a directory', async () => {
    expect((await failure({ model: directory })).message).toContain('is not a file');
  });

  test('a file that is not a GGUF', async () => {
    const status = await failure({ model: await fixture('text.gguf', 'PK\u0003\u0004 this is a zip') });
    expect(status.message).toContain('not a GGUF');
  });

  test('an empty file', async () => {
    expect((await failure({ model: await fixture('empty.gguf', '') })).message).toContain('not a GGUF');
  });

  test('a GGUF that ends too early, in its header or in its tensors', async () => {
    const whole = await readFile(demoPath);
    for (const bytes of [200, Math.floor(whole.length / 2)]) {
      const path = await fixture(`cut-${bytes}.gguf`, whole.subarray(0, bytes));
      expect((await failure({ model: path })).hint).toMatch(/not downloaded to its end/);
    }
  });

  test('a GGUF whose last tensor is cut', async () => {
    const whole = await readFile(demoPath);
    const path = await fixture('cut-last.gguf', whole.subarray(0, whole.length - 64));
    expect((await failure({ model: path })).hint).toMatch(/not downloaded to its end/);
  });

  test('an architecture that llama.cpp does not know', async () => {
    const path = join(directory, 'strange.gguf');
    await writeFile(path, await readFile(demoPath));
    const file = await open(path, 'r+');
    const start = (await readFile(path)).indexOf('general.architecture') + 'general.architecture'.length + 12;
    await file.write('llaxx', start);
    await file.close();
    expect((await failure({ model: path })).hint).toMatch(/architecture/);
  });

  test('a model that does not fit into memory', async () => {
    const status = await failure({ memoryBudgetBytes: 4 * 1024 * 1024 });
    expect(status.message).toMatch(/does not fit: it needs about \d+ MiB .* 4 MiB can be used/);
    expect(status.hint).toContain('smaller');
  });

  test('a quantized cache is counted without what only the other attention takes', async () => {
    const needed = async (cacheType: 'f16' | 'q4_0') => {
      const { message } = await failure({
        contextSize: 2048,
        sequences: 16,
        cacheType,
        memoryBudgetBytes: 2 ** 20,
      });
      return Number(/needs about (\d+) MiB/.exec(message)?.[1]);
    };
    expect((await needed('f16')) - (await needed('q4_0'))).toBeGreaterThan(100);
  });

  test('a context beyond what the model was trained for, or too small to use', async () => {
    expect((await failure({ contextSize: 8192 })).message).toContain('2048');
    expect((await failure({ contextSize: 10 })).message).toContain('too small');
  });

  test('a host that dies at every start is given up, with its last words', async () => {
    const status = await failure({ environment: { NODE_OPTIONS: '--no-such-option' } });
    expect(status.message).toContain('--no-such-option');
  });

  test('a hub that cannot be reached or has no such model', async () => {
    const status = await failure({ model: 'hf:gantry-no-such-owner/no-such-model' });
    expect(status.hint).toContain('MODEL=demo needs no network');
  });
});

describe('parseModelSource', () => {
  test.each(['hf:', 'hf:owner', 'hf:../../etc/passwd', 'hf:owner/repo:../x', 'hf:a b/c'])(
    'refuses %s',
    async (model) => {
      expect((await failure({ model })).message).toContain('is not of the form');
    },
  );

  test('finds a bare name in the models folder', async () => {
    await mkdir(join(directory, 'models'), { recursive: true });
    await writeFile(join(directory, 'models', 'mine.gguf'), 'x');
    expect(parseModelSource('mine.gguf', directory, { endpoint: PUBLIC_HUB })).toEqual({
      name: 'mine',
      location: { kind: 'file', path: join(directory, 'models', 'mine.gguf') },
    });
  });
});

describe('a model that loads', () => {
  test('reports phases that only go forward, then what is in effect', async () => {
    const seen: EngineStatus[] = [];
    const engine = createLlamaEngine({
      model: 'demo',
      homeDirectory: directory,
      contextSize: 512,
      threads: 'auto',
      gpu: false,
      sequences: 2,
      onStatus: (status) => seen.push(status),
    });
    await expect(engine.capabilities()).resolves.toEqual({
      model: 'demo',
      contextSize: 512,
      toolCalls: true,
      reasoning: true,
      continuesThoughts: true,
    });
    const phases = seen.flatMap((status) => (status.state === 'loading' ? [status.phase] : []));
    expect([...new Set(phases)]).toEqual(['start', 'validate', 'read', 'context']);
    expect(phases).toEqual(phases.toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)));
    expect(seen.at(-1)).toMatchObject({
      state: 'ready',
      device: 'cpu',
      gpuLayers: 0,
      threads: 1,
      contextSize: 512,
      nativeContextSize: 2048,
    });
    await engine.close();
  });
});

const ORDER = ['start', 'validate', 'read', 'context'];
