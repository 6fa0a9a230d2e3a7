import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stepLength } from './prefill.js';

test.each([
  { remaining: 40, chunk: 64, largest: 512, step: 40, why: 'all of it fits' },
  { remaining: 108, chunk: 64, largest: 512, step: 108, why: 'the rest would be short' },
  { remaining: 128, chunk: 64, largest: 512, step: 64, why: 'the rest is long enough' },
  { remaining: 540, chunk: 512, largest: 512, step: 476, why: 'the rest is made long enough' },
  { remaining: 40, chunk: 16, largest: 16, step: 16, why: 'a small batch has short steps' },
])('$remaining tokens at $chunk a step begin with $step: $why', ({ remaining, chunk, largest, step }) => {
  expect(stepLength(remaining, chunk, largest)).toBe(step);
});

test('a step moves on, fits a batch, is not twice the chunk, and never leaves a short rest', () => {
  const sizes = fc.record({
    remaining: fc.integer({ min: 1, max: 4000 }),
    chunk: fc.integer({ min: 16, max: 512 }),
  });
  fc.assert(
    fc.property(sizes, ({ remaining, chunk }) => {
      const step = stepLength(remaining, chunk, 512);
      const rest = remaining - step;
      expect(step).toBeGreaterThan(0);
      expect(step).toBeLessThanOrEqual(Math.min(remaining, 512, 2 * chunk));
      expect(rest === 0 || rest >= Math.min(64, chunk)).toBe(true);
    }),
  );
});
