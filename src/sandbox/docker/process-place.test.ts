import { expect, test } from 'vitest';
import { beginMaking, endMaking, isMaking, processPlace } from './process-place.js';

test('a maker of this process lives until it ends, whatever others there are', () => {
  const one = beginMaking('work_one');
  const other = beginMaking('work_other');
  expect([one.pid, one.place]).toEqual([other.pid, other.place]);
  expect([isMaking(one), isMaking(other)]).toEqual([true, true]);
  endMaking(one);
  expect([isMaking(one), isMaking(other)]).toEqual([false, true]);
  endMaking(other);
});

test('an earlier process that had the number of this one is gone, another process is asked after', () => {
  expect(isMaking(processPlace('work_earlier'))).toBe(false);
  expect(isMaking({ id: 'work_parent', pid: process.ppid })).toBe(true);
  expect(isMaking({ id: 'work_none', pid: 4_194_304 })).toBe(false);
});
