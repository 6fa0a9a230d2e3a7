import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkClock } from '../work-clock.js';
import { waitInLine } from './wait-in-line.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One wait that a test moves on, with what clients were told of it. */
function rig(tell: (position: number) => Promise<void> = () => Promise.resolve()) {
  const clock = new WorkClock();
  const cancel = new AbortController();
  const answer = Promise.withResolvers<string>();
  const told: number[] = [];
  let stand: (position: number) => void = () => undefined;
  const got = waitInLine(
    (signal, onQueued) => {
      stand = onQueued;
      signal.addEventListener('abort', () => answer.reject(signal.reason));
      return answer.promise;
    },
    {
      clock,
      signal: cancel.signal,
      tell: async (position) => {
        told.push(position);
        await tell(position);
      },
    },
  );
  return { clock, cancel, answer, told, got, stand: (position: number) => stand(position) };
}

test('each place is told, then that the line was left', async () => {
  const { answer, told, got, stand } = rig();
  stand(2);
  await vi.advanceTimersByTimeAsync(1);
  stand(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([2, 1]);
  answer.resolve('a sandbox');
  expect(await got).toBe('a sandbox');
  expect(told).toEqual([2, 1, 0]);
});

test('nothing is told of a wait outside of any line, and its time counts', async () => {
  const { clock, answer, told, got } = rig();
  const began = clock.now();
  await vi.advanceTimersByTimeAsync(500);
  answer.resolve('a sandbox');
  await got;
  expect([told, clock.now() - began]).toEqual([[], 500]);
});

test('places that come faster than they are told are not all told, but the newest is', async () => {
  const slow = Promise.withResolvers<void>();
  const { answer, told, got, stand } = rig(() => slow.promise);
  stand(9);
  await vi.advanceTimersByTimeAsync(1);
  for (const place of [8, 7, 6]) stand(place);
  slow.resolve();
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([9, 6]);
  answer.resolve('a sandbox');
  await got;
  expect(told).toEqual([9, 6, 0]);
});

test('the clock stands still in the line, and goes on after it, whatever came of it', async () => {
  for (const end of ['resolve', 'reject'] as const) {
    const { clock, answer, got, stand } = rig();
    const began = clock.now();
    const rang = vi.fn();
    clock.after(100, rang);
    stand(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rang).not.toHaveBeenCalled();
    answer[end]('over');
    await got.catch(() => undefined);
    expect(clock.now() - began).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(rang).toHaveBeenCalledOnce();
  }
});

test('a refusal comes as it is, after the places, without another word', async () => {
  const { answer, told, got, stand } = rig();
  stand(1);
  answer.reject(new Error('full'));
  await expect(got).rejects.toThrow('full');
  expect(told).toEqual([1]);
});

test('a cancel ends the wait at once', async () => {
  const { cancel, got, stand } = rig();
  stand(1);
  cancel.abort(new Error('cancelled'));
  await expect(got).rejects.toThrow('cancelled');
});

test('a place that cannot be told ends the wait: the run is not ours any more', async () => {
  const { got, stand } = rig(() => Promise.reject(new Error('fenced')));
  stand(1);
  await expect(got).rejects.toThrow('fenced');
});
