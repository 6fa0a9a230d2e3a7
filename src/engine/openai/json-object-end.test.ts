import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonObjectEnd } from './json-object-end.js';

test('is reached with the last character of an object, and not before', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
  fc.assert(
    fc.property(object, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const end = new JsonObjectEnd();
      end.push(text.slice(0, -1));
      expect(end.reached).toBe(false);
      end.push(text.slice(-1));
      expect(end.reached).toBe(true);
    }),
  );
});

test('ends also when the pieces are single characters', () => {
  const end = new JsonObjectEnd();
  for (const character of '{"a":"}\\"{","b":[{}]') end.push(character);
  expect(end.reached).toBe(false);
  end.push('}');
  expect(end.reached).toBe(true);
});
