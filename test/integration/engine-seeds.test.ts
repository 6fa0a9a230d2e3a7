import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect, textOf } from './engine-conformance.js';

const HOT = { temperature: 3, topK: 0, topP: 1, minP: 0, maxTokens: 30 };

let engine: Engine;
beforeAll(() => {
  engine = demoEngine();
});
afterAll(() => engine.close());

async function saidWith(seed?: number): Promise<string> {
  const sampling = { ...HOT, ...(seed === undefined ? {} : { seed }) };
  const request = demoRequest('Hello!', { sampling });
  return textOf(await collect(engine.generate(request, new AbortController().signal)));
}

test.each([0, 7, -2, -7, 2 ** 31, 2 ** 53 - 1])('the seed %d says the same again', async (seed) => {
  expect(await saidWith(seed)).toBe(await saidWith(seed));
});

test('other seeds say other things; -1 and none another thing each time, within one second too', async () => {
  const said = [];
  for (const seed of [7, -7, 8, -1, -1, undefined, undefined]) said.push(await saidWith(seed));
  expect(new Set(said).size).toBe(said.length);
});
