import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairOrder } from './fair-order.js';

const waiting = (owners: string) => owners.split('').map((owner, index) => ({ owner, index }));
const served = (owners: string, atWork: Record<string, number> = {}) =>
  fairOrder(waiting(owners), new Map(Object.entries(atWork)))
    .map(({ owner }) => owner)
    .join('');

test('who asks for much waits behind who asks for little', () => {
  expect(served('aaaab')).toBe('abaaa');
  expect(served('aabbc')).toBe('abcab');
  expect(served('ab', { a: 1 })).toBe('ba');
  expect(served('aab', { b: 2 })).toBe('aab');
});

test('it is the same requests, each owner’s as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }), (owners) => {
      const asked = waiting(owners.join(''));
      const order = fairOrder(asked, new Map());
      expect(new Set(order)).toEqual(new Set(asked));
      for (const name of ['a', 'b', 'c']) {
        const of = order.filter(({ owner }) => owner === name).map(({ index }) => index);
        expect(of).toEqual(of.toSorted((x, y) => x - y));
      }
    }),
  );
});
