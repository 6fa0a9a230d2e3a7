import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { familySyntax, HERMES } from './call-syntax.js';

const DEMO = readFileSync(
  new URL('../../../../models/demo/training/chat_template.jinja', import.meta.url),
  'utf8',
);

test('the bundled model is known by its template, so no start waits for the library to try them all', () => {
  expect(familySyntax(DEMO)).toEqual({
    calls: HERMES,
    thoughts: { prefix: '<think>\n', suffix: '\n</think>\n\n' },
  });
});

test('a template that writes such calls and no thoughts is left to the library', () => {
  expect(familySyntax(DEMO.replaceAll('<think>', '[think]'))).toBeUndefined();
});
