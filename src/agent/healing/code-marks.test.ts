import { describe, expect, test } from 'vitest';
import { CodeMarks } from './code-marks.js';

function isProseAfter(text: string): boolean {
  const marks = new CodeMarks();
  for (const unit of text.split('')) marks.pass(unit);
  return marks.isProse;
}

describe('what follows is prose', () => {
  test.each([
    ['', 'nothing'],
    ['a `b` ', 'inline code that is closed'],
    ['``a ` b`` ', 'inline code with a backtick'],
    ['a ` b\n\n', 'a backtick and the end of its paragraph'],
    ['```\na\n```\n', 'a fence'],
    ['```js\na\n`````  \n', 'a fence closed by a longer one'],
    ['~~~\n```\n~~~\n', 'a fence in a fence'],
    ['> ```\n> a\n> ```\n', 'a quoted fence'],
    ['1. ```\n   a\n   ```\n', 'a fence in a list'],
    ['```a``` ', 'inline code at the beginning of a line'],
    ['a ~~b~~ ', 'struck out text'],
    ['a ~~~ b', 'tildes in a line'],
  ])('after %j: %s', (text) => {
    expect(isProseAfter(text)).toBe(true);
  });
});

describe('what follows is code', () => {
  test.each([
    ['a `', 'a backtick'],
    ['a ``b` ', 'fewer backticks than opened it'],
    ['a ` b\nc ', 'a backtick, in the same paragraph'],
    ['```', 'the line of a fence'],
    ['```js', 'the line of a fence and its language'],
    ['```\na\n\n', 'a blank line in a fence'],
    ['````\n```\n', 'a fence too short to close'],
    ['```\n~~~\n', 'a fence of the other kind'],
    ['```\n``` a\n', 'a line that only begins like the end'],
    ['```\na ```\n', 'a line that only ends like the end'],
    ['```\n      ```\n', 'an end indented like code'],
    ['```\n> ```\n', 'a quoted end of a fence that is not quoted'],
    ['a ` b\n```\n', 'a fence after a backtick'],
    ['~~~ a`b\n', 'a fence of tildes with a backtick in its line'],
    ['```\na\n```', 'the end of a fence, on its line'],
  ])('after %j: %s', (text) => {
    expect(isProseAfter(text)).toBe(false);
  });
});
