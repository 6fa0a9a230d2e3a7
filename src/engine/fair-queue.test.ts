import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue, type Place } from './fair-queue.js';

const never = new AbortController().signal;

async function isIn(place: Place): Promise<boolean> {
  const first = await place.positions(never).next();
  return first.done === true;
}

test('serves the owners by turns, not the requests', async () => {
  const queue = new FairQueue(1);
  const first = queue.enter('greedy');
  const waiting = [queue.enter('greedy'), queue.enter('greedy'), queue.enter('modest')] as const;
  first.leave();
  // The greedy one has nothing at work now, and asked earlier.
  expect(await isIn(waiting[0])).toBe(true);
  waiting[0].leave();
  expect(await isIn(waiting[1])).toBe(true);
  const late = queue.enter('third');
  const position = await late.positions(never).next();
  expect(position.value).toBe(2);
  waiting[1].leave();
  expect(await isIn(waiting[2])).toBe(true);
});

test('who has a place already waits for those who have none', async () => {
  const queue = new FairQueue(2);
  const [a, b] = [queue.enter('a'), queue.enter('b')];
  const again = queue.enter('a').positions(never);
  const other = queue.enter('c').positions(never);
  expect((await again.next()).value).toBe(2);
  expect((await other.next()).value).toBe(1);
  b.leave();
  expect((await other.next()).done).toBe(true);
  expect((await again.next()).value).toBe(1);
  a.leave();
  expect((await again.next()).done).toBe(true);
});

test('never lets more in than there are places, nor keeps one empty while somebody waits', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('enter', 'leave'), fc.nat({ max: 9 })), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), steps, (places, all) => {
      const queue = new FairQueue(places);
      const entered: Place[] = [];
      for (const [step, number] of all) {
        if (step === 'enter') entered.push(queue.enter(`owner ${number % 3}`));
        else entered.splice(number % Math.max(1, entered.length), 1)[0]?.leave();
        expect(queue.active).toBe(Math.min(places, entered.length));
        expect(queue.waiting).toBe(entered.length - queue.active);
      }
    }),
  );
});
