import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { DEMO_SHAPE, loraAdapter } from '../fixtures/models/lora-adapter.js';
import { collect, textOf } from './engine-conformance.js';

const never = new AbortController().signal;

let home: string;
let engine: Engine;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-adapters-'));
  const folder = join(home, 'models', 'adapters');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'wild.gguf'), loraAdapter({ ...DEMO_SHAPE, seed: 1, spread: 2 }));
  await writeFile(join(folder, 'other.gguf'), loraAdapter({ ...DEMO_SHAPE, seed: 9, spread: 2 }));
  await writeFile(join(folder, 'nothing.gguf'), loraAdapter({ ...DEMO_SHAPE, seed: 1, spread: 0 }));
  await writeFile(
    join(folder, 'misfit.gguf'),
    loraAdapter({ width: 32, queries: 32, blocks: 1, seed: 1, spread: 1 }),
  );
  await writeFile(join(folder, 'broken.gguf'), 'no adapter at all');
  await writeFile(join(home, 'models', 'outside.gguf'), loraAdapter({ ...DEMO_SHAPE, seed: 1, spread: 2 }));
  engine = demoEngine({ homeDirectory: home, stateCacheBytes: 64 * 1024 * 1024 });
});
afterAll(async () => {
  await engine?.close();
  await rm(home, { recursive: true, force: true });
});

const PROMPT = 'Repeat after me: the quick brown fox jumps over the lazy dog';

async function say(
  adapter: string | undefined,
  overrides: Partial<GenerateRequest> = {},
): Promise<EngineEvent[]> {
  const request = demoRequest(PROMPT, {
    tools: [],
    sampling: { temperature: 0, maxTokens: 24 },
    ...overrides,
  });
  return collect(engine.generate(adapter === undefined ? request : { ...request, adapter }, never));
}

function cachedIn(events: readonly EngineEvent[]): number | undefined {
  const usage = events.find((event) => event.type === 'usage');
  return usage?.type === 'usage' ? usage.usage.prompt_tokens_details?.cached_tokens : undefined;
}

describe('an adapter', () => {
  test('changes what is said with it, and nothing of what is said without', async () => {
    const plain = textOf(await say(undefined));
    const wild = textOf(await say('wild'));
    expect(wild).not.toBe(plain);
    expect(textOf(await say('other'))).not.toBe(wild);
    expect(textOf(await say(undefined))).toBe(plain);
    expect(textOf(await say('wild'))).toBe(wild);
  });

  test('that adds zeros changes nothing', async () => {
    expect(textOf(await say('nothing'))).toBe(textOf(await say(undefined)));
  });

  test('is never read from the cache of another or of none, also in one session', async () => {
    const session = { sessionId: 'shared', owner: 'one' };
    await say(undefined, session);
    expect(cachedIn(await say('wild', session))).toBe(0);
    expect(cachedIn(await say('wild', session))).toBeGreaterThan(0);
    expect(cachedIn(await say('other', session))).toBe(0);
    expect(cachedIn(await say(undefined, session))).toBeGreaterThan(0);
  });

  test('and none work side by side', async () => {
    const [plain, wild] = [textOf(await say(undefined)), textOf(await say('wild'))];
    const all = await Promise.all([
      say(undefined, { sessionId: 'a' }),
      say('wild', { sessionId: 'b' }),
      say('wild', { sessionId: 'c' }),
    ]);
    expect(all.map(textOf)).toEqual([plain, wild, wild]);
  });

  test.each([
    [
      'nobody',
      /there is no adapter "nobody" in models\/adapters; there are: broken, misfit, nothing, other, wild\./,
    ],
    ['../outside', /there is no adapter "\.\.\/outside"/],
    ['misfit', /could not be used with this model/],
    ['broken', /could not be used with this model/],
  ])('%s is refused by name', async (name, message) => {
    const events = await say(name);
    expect(events).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    const [only] = events;
    expect(only?.type === 'error' && only.error.message).toMatch(message);
    expect(textOf(await say(undefined))).not.toBe('');
  });
});
