import { expect, it } from 'vitest';
import { TransferRate } from './transfer-rate.js';

it('is that of the last five seconds, and never below nothing', () => {
  let now = 0;
  const rate = new TransferRate(() => now);
  expect(rate.measure(1_000_000)).toBe(0);
  now = 1000;
  expect(rate.measure(3_000_000)).toBe(2_000_000);
  for (now = 2000; now <= 20_000; now += 1000) rate.measure(3_000_000);
  expect(rate.measure(3_000_000)).toBe(0);
  expect(rate.measure(1000)).toBe(0);
});
