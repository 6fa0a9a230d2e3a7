import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepetitionFilter } from './repetition-filter.js';

function filter(prefix: string, pieces: readonly string[]): string {
  const repetition = new RepetitionFilter(prefix);
  return pieces.map((piece) => repetition.push(piece)).join('') + repetition.end();
}

test.each([
  ['Once upon', ['Once', ' upon', ' a time'], ' a time'],
  ['Once upon', ['Once upon a time'], ' a time'],
  ['Once upon', [' a', ' time'], ' a time'],
  ['Once upon', ['Once', ' more'], 'Once more'],
  ['Once upon', ['Once'], 'Once'],
  ['', ['Once'], 'Once'],
])('after %j, %j is %j', (prefix, pieces, rest) => {
  expect(filter(prefix, pieces)).toBe(rest);
});

test('takes away the prefix or nothing, however the answer is split', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
  fc.assert(
    fc.property(letters, fc.array(letters), (prefix, pieces) => {
      const whole = pieces.join('');
      expect(filter(prefix, pieces)).toBe(whole.startsWith(prefix) ? whole.slice(prefix.length) : whole);
    }),
  );
});
