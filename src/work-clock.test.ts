import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkClock } from './work-clock.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What the clock shows after `ms` of the world's time. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

test('stands still, with its deadlines, while somebody is waited for', async () => {
  const clock = new WorkClock();
  const began = clock.now();
  const rang = vi.fn();
  clock.after(100, rang);
  await pass(60);
  const answer = Promise.withResolvers<string>();
  const waiting = clock.standStill(answer.promise);
  await pass(10_000);
  expect(clock.now() - began).toBe(60);
  expect(rang).not.toHaveBeenCalled();
  answer.resolve('yes');
  expect(await waiting).toBe('yes');
  await pass(39);
  expect(rang).not.toHaveBeenCalled();
  await pass(1);
  expect(rang).toHaveBeenCalledOnce();
  expect(clock.now() - began).toBe(100);
});

test('goes on only when the last wait is over, also one that failed', async () => {
  const clock = new WorkClock();
  const began = clock.now();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const waits = [clock.standStill(first.promise), clock.standStill(second.promise).catch(() => undefined)];
  await pass(5);
  first.resolve();
  await pass(5);
  expect(clock.now() - began).toBe(0);
  second.reject(new Error('gone'));
  await Promise.all(waits);
  await pass(5);
  expect(clock.now() - began).toBe(5);
});

test('a deadline set or called off while it stands still is', async () => {
  const clock = new WorkClock();
  const rang = vi.fn();
  const calledOff = clock.after(10, () => rang('called off'));
  const answer = Promise.withResolvers<void>();
  const waiting = clock.standStill(answer.promise);
  clock.after(20, () => rang('set'));
  calledOff();
  answer.resolve();
  await waiting;
  await pass(100);
  expect(rang.mock.calls).toEqual([['set']]);
});
