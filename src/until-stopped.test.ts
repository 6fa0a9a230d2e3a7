import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stopper } from './until-stopped.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function ending() {
  const closing = Promise.withResolvers<void>();
  const exits: number[] = [];
  const printed: string[] = [];
  const close = vi.fn(() => closing.promise);
  const stop = stopper({
    close,
    exit: (status) => exits.push(status),
    print: (text) => printed.push(text),
    complain: (text) => printed.push(text),
  });
  return { stop, close, closing, exits, printed };
}

test('a signal closes, and then exits with status 0', async () => {
  const { stop, closing, exits, printed } = ending();
  stop('SIGTERM');
  expect(printed.join('')).toContain('Stopping (SIGTERM)');
  expect(exits).toEqual([]);
  closing.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(exits).toEqual([0]);
});

test('a signal that npm passes on a second time is the same wish', async () => {
  const { stop, close, closing, exits } = ending();
  stop('SIGTERM');
  await vi.advanceTimersByTimeAsync(200);
  stop('SIGTERM');
  expect(close).toHaveBeenCalledOnce();
  closing.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(exits).toEqual([0]);
});

test('one that comes later ends the process at once', async () => {
  const { stop, exits } = ending();
  stop('SIGINT');
  await vi.advanceTimersByTimeAsync(1_000);
  stop('SIGINT');
  expect(exits).toEqual([130]);
});

test('an end that takes too long, and one that fails, have status 1', async () => {
  const slow = ending();
  slow.stop('SIGTERM');
  await vi.advanceTimersByTimeAsync(25_000);
  expect(slow.exits).toEqual([1]);
  const failing = ending();
  failing.stop('SIGTERM');
  failing.closing.reject(new Error('no way'));
  await vi.advanceTimersByTimeAsync(0);
  expect(failing.exits).toEqual([1]);
  expect(failing.printed.join('')).toContain('no way');
});
