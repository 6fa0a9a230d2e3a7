import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capOutput } from './cap-output.js';

test('short output is untouched', () => {
  expect(capOutput('hello', 10, undefined)).toEqual({ content: 'hello', cutBytes: 0 });
});

test('head and tail stay, and the note counts the bytes between', () => {
  const { content, cutBytes } = capOutput(
    `${'a'.repeat(60)}${'é'.repeat(100)}${'z'.repeat(30)}`,
    90,
    'tool-output/1.txt',
  );
  expect(cutBytes).toBe(200);
  expect(content).toBe(
    `${'a'.repeat(60)}\n[200 bytes cut; read_file tool-output/1.txt has the whole]\n${'z'.repeat(30)}`,
  );
});

test('a cut never leaves half a character', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 20 }),
      fc.integer({ min: 3, max: 19 }),
      (text, limit) => {
        expect(capOutput(text, limit, undefined).content.isWellFormed()).toBe(true);
      },
    ),
  );
});
