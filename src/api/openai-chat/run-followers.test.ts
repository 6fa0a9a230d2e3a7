import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RunFollowers } from './run-followers.js';

const GRACE_MS = 30_000;
let followers: RunFollowers;
const giveUp = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  giveUp.mockReset();
  followers = new RunFollowers(GRACE_MS);
});
afterEach(() => {
  vi.useRealTimers();
});

test('a run is given up when its grace is over, and once', () => {
  followers.join('a');
  followers.leave('a', giveUp);
  vi.advanceTimersByTime(GRACE_MS - 1);
  expect(giveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(GRACE_MS);
  expect(giveUp).toHaveBeenCalledTimes(1);
});

test('who comes back in time finds it, and leaving again begins the grace anew', () => {
  followers.join('a');
  followers.leave('a', giveUp);
  vi.advanceTimersByTime(GRACE_MS - 1);
  followers.join('a');
  vi.advanceTimersByTime(10 * GRACE_MS);
  expect(giveUp).not.toHaveBeenCalled();
  followers.leave('a', giveUp);
  vi.advanceTimersByTime(GRACE_MS);
  expect(giveUp).toHaveBeenCalledTimes(1);
});

test('who leaves while another waits takes nothing with them', () => {
  followers.join('a');
  followers.join('a');
  followers.leave('a', giveUp);
  vi.advanceTimersByTime(10 * GRACE_MS);
  expect(giveUp).not.toHaveBeenCalled();
  followers.leave('a');
});

test('a request that is refused under the key saves no run', () => {
  followers.join('a');
  followers.leave('a', giveUp);
  followers.join('a');
  followers.leave('a');
  vi.advanceTimersByTime(GRACE_MS);
  expect(giveUp).toHaveBeenCalledTimes(1);
});

test('an answer that was heard leaves nothing behind', () => {
  followers.join('a');
  followers.leave('a');
  expect(vi.getTimerCount()).toBe(0);
});

test('a server that closes gives nothing up', () => {
  followers.join('a');
  followers.leave('a', giveUp);
  followers.join('b');
  followers.onModuleDestroy();
  followers.leave('b', giveUp);
  vi.advanceTimersByTime(10 * GRACE_MS);
  expect(giveUp).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
