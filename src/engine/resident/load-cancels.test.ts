import { expect, test } from 'vitest';
import { LoadCancels } from './load-cancels.js';

function scene() {
  const time = { now: 0 };
  return { time, cancels: new LoadCancels(() => time.now) };
}

test('a load under way is cancelled by its owner, with an id of its own', () => {
  const { cancels } = scene();
  const load = cancels.begin('alice', 'one');
  expect(() => cancels.begin('alice', 'one')).toThrow(/under way/);
  expect(cancels.cancel('bob', 'one')).toBe(false);
  expect(load.signal.aborted).toBe(false);
  expect(cancels.cancel('alice', 'one')).toBe(true);
  expect(load.signal.reason).toMatchObject({ code: 'conflict', reason: 'load_cancelled' });
  load.end();
  expect(cancels.begin('alice', 'one').signal.aborted).toBe(false);
});

test('a cancel that comes first ends one load, and waits a minute for it', () => {
  const { cancels, time } = scene();
  expect(cancels.cancel('alice', 'one')).toBe(false);
  expect(() => cancels.begin('alice', 'one')).toThrow(/was cancelled/);
  cancels.begin('alice', 'one').end();
  cancels.cancel('alice', 'two');
  time.now = 60_001;
  expect(cancels.begin('alice', 'two').signal.aborted).toBe(false);
});

test('cancels that nothing comes for do not pile up: the oldest are forgotten', () => {
  const { cancels } = scene();
  for (let index = 0; index < 300; index += 1) cancels.cancel('alice', `id-${index}`);
  expect(cancels.begin('alice', 'id-0').signal.aborted).toBe(false);
  expect(() => cancels.begin('alice', 'id-299')).toThrow(/was cancelled/);
});
