import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineStatus } from '../../src/engine/engine.js';
import { createLlamaEngine } from '../../src/engine/llama/llama-engine.js';
import { demoModelPath } from '../../src/models/demo-model.js';
import { ModelHub } from '../support/model-hub.js';

let hub: ModelHub;
let home: string;
let seen: EngineStatus[];

beforeAll(async () => {
  hub = await ModelHub.start();
  home = await mkdtemp(join(tmpdir(), 'gantry-engine-hub-'));
});
afterAll(async () => {
  await hub.stop();
  await rm(home, { recursive: true, force: true });
});

function engineFor(model: string) {
  seen = [];
  return createLlamaEngine({
    model,
    homeDirectory: home,
    hub: { endpoint: hub.endpoint, token: 'hf_secret' },
    contextSize: 512,
    threads: 1,
    gpu: false,
    sequences: 1,
    onStatus: (status) => seen.push(status),
  });
}

test('the engine fetches a model over a connection that breaks, tells how far it is, and needs no hub the next time', async () => {
  hub.files.set('demo-F16.gguf', { content: await readFile(demoModelPath()) });
  hub.answers.push({ dropAfter: 2_000_000 });
  const first = engineFor('hf:o/demo:F16');
  await expect(first.capabilities()).resolves.toMatchObject({ model: 'o/demo:F16', contextSize: 512 });
  await first.close();
  const downloading = seen.flatMap((status) =>
    status.state === 'loading' && status.phase === 'download' ? [status.progress] : [],
  );
  expect(downloading.length).toBeGreaterThan(5);
  expect(downloading).toEqual(downloading.toSorted((a, b) => a - b));
  expect(hub.contentRequests[1]?.range).toBe('bytes=2000000-');
  expect(hub.requests.every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true);
  hub.forget();
  const second = engineFor('hf:o/demo:F16');
  await expect(second.capabilities()).resolves.toMatchObject({ contextSize: 512 });
  await second.close();
  expect(hub.requests).toEqual([]);
});

test('the engine says what the repository has where the variant is not there', async () => {
  const engine = engineFor('hf:o/demo:Q4_K_M');
  await expect(engine.capabilities()).rejects.toThrow(/Q4_K_M is not there[^]*F16 {2}demo-F16\.gguf/);
  await engine.close();
});
