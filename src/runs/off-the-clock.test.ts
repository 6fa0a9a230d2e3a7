import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkClock } from '../work-clock.js';
import { MOST_OFF_THE_CLOCK_MS, offTheClock } from './off-the-clock.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the clock stands still until the work is over, whatever came of it', async () => {
  const clock = new WorkClock();
  const rang = vi.fn();
  clock.after(1000, rang);
  for (const end of ['resolve', 'reject'] as const) {
    const work = Promise.withResolvers<void>();
    const over = offTheClock(clock, () => work.promise).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(5000);
    work[end]();
    await over;
  }
  await vi.advanceTimersByTimeAsync(999);
  expect(rang).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(rang).toHaveBeenCalledOnce();
});

test('work without an end is charged after its limit', async () => {
  const clock = new WorkClock();
  const rang = vi.fn();
  clock.after(1000, rang);
  void offTheClock(clock, () => new Promise<never>(() => undefined));
  await vi.advanceTimersByTimeAsync(MOST_OFF_THE_CLOCK_MS + 999);
  expect(rang).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(rang).toHaveBeenCalledOnce();
});
