import { expect, test } from 'vitest';
import { interleave } from './interleave.js';

async function* numbers(from: number, count: number): AsyncGenerator<number> {
  for (let index = 0; index < count; index += 1) yield from + index;
}

test('each stream keeps its order, and none is left out', async () => {
  const seen: number[][] = [[], []];
  for await (const { source, item } of interleave([numbers(0, 5), numbers(100, 3)])) seen[source]?.push(item);
  expect(seen).toEqual([
    [0, 1, 2, 3, 4],
    [100, 101, 102],
  ]);
});

test('a slow reader is waited for: of each stream one item at most is ahead', async () => {
  let made = 0;
  const eager = async function* (): AsyncGenerator<number> {
    for (;;) yield (made += 1);
  };
  let read = 0;
  for await (const _ of interleave([eager(), eager()])) {
    read += 1;
    await new Promise(setImmediate);
    expect(made - read).toBeLessThanOrEqual(2);
    if (read === 20) break;
  }
});

test('one that throws ends all', async () => {
  const broken = async function* (): AsyncGenerator<number> {
    yield 1;
    throw new Error('broken');
  };
  const read = async () => {
    for await (const _ of interleave([broken(), numbers(0, 2)])) continue;
  };
  await expect(read()).rejects.toThrow('broken');
});
