import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { UntoldOutput } from './told-output.js';

test('however what is told again is cut, the news follow on what was told, once', () => {
  const pieces = fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, fc.nat({ max: 60 }), (texts, reach) => {
      const whole = texts.join('');
      const stdout = Math.min(reach, whole.length);
      const untold = new UntoldOutput({ stdout, stderr: 0 });
      let known = whole.slice(0, stdout);
      for (const text of texts) {
        const news = untold.take('stdout', text);
        if (news === undefined) continue;
        expect(news.offset).toBe(known.length);
        known += news.text;
      }
      expect(known).toBe(whole);
    }),
  );
});

test('the streams are apart', () => {
  const untold = new UntoldOutput({ stdout: 3, stderr: 0 });
  expect(untold.take('stderr', 'abc')).toEqual({ text: 'abc', offset: 0 });
  expect(untold.take('stdout', 'abc')).toBeUndefined();
  expect(untold.take('stdout', 'd')).toEqual({ text: 'd', offset: 3 });
});
