import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChosenToken } from './token-logprobs.js';
import { TokensOfText } from './tokens-of-text.js';

/** A token of each byte of the characters whose bytes are apart, as models make what they have no token for. */
function tokensOf(pieces: readonly { readonly text: string; readonly apart: boolean }[]): ChosenToken[] {
  return pieces.flatMap(({ text, apart }) => {
    const bytes = [...Buffer.from(text)];
    return (apart ? bytes.map((byte) => [byte]) : [bytes]).map((own, index) => ({
      token: `${text}${index}`,
      bytes: own,
      logprob: 0,
      top_logprobs: [],
    }));
  });
}

const piece = fc.record({
  text: fc.constantFrom('a', ' of', 'é', '€uro', '😀', '\n\n'),
  apart: fc.boolean(),
});

test('however a text is cut, its tokens come once, in order, with the end of their characters', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(piece, { minLength: 1 }), { maxLength: 5 }),
      fc.array(fc.nat(7)),
      (chunks, cuts) => {
        const tokens = new TokensOfText();
        const all = chunks.flatMap((pieces) => {
          const made = tokensOf(pieces);
          tokens.feed(pieces.map(({ text }) => text).join(''), made);
          return made;
        });
        const text = chunks
          .flat()
          .map((one) => one.text)
          .join('');
        const given: ChosenToken[] = [];
        let at = 0;
        for (const cut of [...cuts, text.length]) {
          const step = Math.min(cut, text.length - at);
          at += step;
          given.push(...tokens.pass(step));
          expect(
            Buffer.from(given.flatMap(({ bytes }) => bytes ?? [])).toString().length,
          ).toBeLessThanOrEqual(at);
        }
        expect(given).toEqual(all);
      },
    ),
  );
});

test('spaces that the first token lost do not move the others', () => {
  const tokens = new TokensOfText();
  tokens.feed('So it is.', tokensOf([' So', ' it', ' is.'].map((text) => ({ text, apart: false }))));
  const words = (units: number) => tokens.pass(units).map(({ bytes }) => Buffer.from(bytes ?? []).toString());
  expect([words(2), words(4), words(3)]).toEqual([[' So'], [' it'], [' is.']]);
});
