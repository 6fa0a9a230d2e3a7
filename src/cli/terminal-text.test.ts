import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainLine, plainText } from './terminal-text.js';

// eslint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/u;

describe('plainText', () => {
  test.each([
    ['clears the screen', '\u001B[2J\u001B[H'],
    ['sets the clipboard', '\u001B]52;c;cm0gLXJmIC8=\u0007'],
    ['sets the title', '\u001B]0;root\u0007'],
    ['hides a link', '\u001B]8;;http://evil.example\u001B\\ok\u001B]8;;\u001B\\'],
    ['an 8-bit CSI', '\u009B2J'],
    ['overwrites the line', 'rm -rf /\rls -l'],
    ['backs over what was written', 'deny\b\b\b\ballow'],
    ['turns the reading direction', 'ls \u202Egnp.exe'],
    ['isolates', '\u2066a\u2069'],
  ])('disarms what %s', (_, text) => {
    expect(plainText(text)).not.toMatch(OBEYED);
  });

  test('keeps words, line breaks, tabs, and the writing of the world', () => {
    const text = 'héllo\twörld\n日本語 🙂 עברית';
    expect(plainText(text)).toBe(text);
    expect(plainText('one\r\ntwo\rthree')).toBe('one\ntwo\nthree');
  });

  test('whatever comes, nothing the terminal obeys is left, and a line stays a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainText(text)).not.toMatch(OBEYED);
        expect(plainLine(text)).not.toMatch(/[\n\r\t]/);
      }),
    );
  });
});
