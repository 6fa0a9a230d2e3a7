import { expect, test } from 'vitest';
import { OneAtATime } from './one-at-a-time.js';

test('works come in their order, whatever becomes of those before', async () => {
  const line = new OneAtATime();
  const first = Promise.withResolvers<string>();
  const done: string[] = [];
  const failed = line.run(() => first.promise);
  const second = line.run(async () => done.push('second'));
  const third = line.run(async () => done.push('third'));
  expect(done).toEqual([]);
  first.reject(new Error('broken'));
  await expect(failed).rejects.toThrow('broken');
  await Promise.all([second, third]);
  expect(done).toEqual(['second', 'third']);
});

test('one that is aborted in the line leaves it at once, and nobody comes before their turn', async () => {
  const line = new OneAtATime();
  const first = Promise.withResolvers<void>();
  const abort = new AbortController();
  const done: string[] = [];
  const working = line.run(async () => {
    await first.promise;
    done.push('first');
  });
  const left = line.run(async () => done.push('left'), abort.signal);
  const behind = line.run(async () => done.push('behind'));
  abort.abort(new Error('no longer wanted'));
  await expect(left).rejects.toThrow('no longer wanted');
  expect(done).toEqual([]);
  first.resolve();
  await Promise.all([working, behind]);
  expect(done).toEqual(['first', 'behind']);
});

test('what has its turn is not ended by its signal', async () => {
  const line = new OneAtATime();
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<string>();
  const abort = new AbortController();
  const work = line.run(() => {
    begun.resolve();
    return end.promise;
  }, abort.signal);
  await begun.promise;
  abort.abort();
  end.resolve('done');
  expect(await work).toBe('done');
});
