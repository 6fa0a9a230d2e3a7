import { expect, test } from 'vitest';
import { ggufBytes } from '../../models/gguf.fixture.js';
import { parseGgufHeader } from '../../models/parse-gguf-header.js';
import { estimateMemory } from '../../models/estimate-memory.js';
import { fit } from './bring-model.js';
import { autoSettings as settings } from './resident-settings.fixture.js';

const MEBIBYTE = 1024 * 1024;

/** 32 layers of 8 key heads with 128 numbers each: 128 KiB a token in f16. */
const header = parseGgufHeader(
  ggufBytes({
    values: {
      'general.architecture': 'llama',
      'llama.context_length': 8192,
      'llama.block_count': 32,
      'llama.embedding_length': 4096,
      'llama.attention.head_count': 32,
      'llama.attention.head_count_kv': 8,
    },
  }),
);
const files = [{ path: 'm.gguf', bytes: 4096 * MEBIBYTE, header }] as const;
const needed = (contextSize: number) =>
  estimateMemory(files, { contextSize, sequences: 1, cacheType: 'f16' });
const idle = { name: 'idle', bytes: 100 * MEBIBYTE, lastUsedAt: 0, mayGo: true };

test('a token costs its keys and values, by the type of the cache and for each conversation', () => {
  expect(needed(1024) - needed(0)).toBe(128 * MEBIBYTE);
  const terms = { contextSize: 1024, sequences: 2, cacheType: 'q8_0' };
  expect(estimateMemory(files, terms) - needed(0)).toBe(2 * 68 * MEBIBYTE);
});

test('auto is all that the model was trained for where there is room, also by unloading', () => {
  expect(fit(files, settings, needed(8192), [idle])).toMatchObject({
    contextSize: 8192,
    plan: { type: 'fits', unload: [] },
  });
  expect(fit(files, settings, needed(8192) - MEBIBYTE, [idle])).toMatchObject({
    contextSize: 8192,
    plan: { type: 'fits', unload: ['idle'] },
  });
});

test('auto is what fits where there is less room, and refused below 2,048 tokens', () => {
  expect(fit(files, settings, needed(3000), [])).toMatchObject({
    contextSize: 2816,
    maxContextSize: 2816,
    plan: { type: 'fits' },
  });
  expect(fit(files, settings, needed(2047), [])).toMatchObject({
    plan: { type: 'refused', needed: needed(2048) },
  });
});

test('an explicit context is never made smaller', () => {
  const explicit = { ...settings, contextSize: 4096 };
  expect(fit(files, explicit, needed(4096), [])).toMatchObject({ contextSize: 4096, plan: { type: 'fits' } });
  expect(fit(files, explicit, needed(4095), [])).toMatchObject({
    contextSize: 4096,
    plan: { type: 'refused', needed: needed(4096), reachable: needed(4095) },
  });
});

test('where only the loader knows the memory, auto is its to choose', () => {
  expect(fit(files, settings, Infinity, [])).toMatchObject({ contextSize: 'auto', plan: { type: 'fits' } });
});
