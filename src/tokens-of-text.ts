import type { ChosenToken } from './token-logprobs.js';

/** Which tokens a piece of text is made of, where text comes in other pieces than it was made in, and not all of it. */
export class TokensOfText {
  private waiting: { readonly end: number; readonly token: ChosenToken }[] = [];
  private fed = 0;
  private passed = 0;

  feed(text: string, tokens: readonly ChosenToken[]): void {
    this.fed += text.length;
    // The first token may have lost spaces at its beginning, so places are counted from the end.
    let end = this.fed;
    const placed = tokens.toReversed().map((token) => {
      const place = { end, token };
      end -= lengthOf(token);
      return place;
    });
    this.waiting.push(...placed.toReversed());
  }

  /** Those that end within the next so many units. */
  pass(units: number): ChosenToken[] {
    this.passed += units;
    const kept = this.waiting.findIndex(({ end }) => end > this.passed);
    return this.waiting.splice(0, kept === -1 ? this.waiting.length : kept).map(({ token }) => token);
  }
}

/** In UTF-16 units. */
function lengthOf({ bytes, token }: ChosenToken): number {
  if (bytes === null) return token.length;
  return bytes.reduce((sum, byte) => sum + unitsBegunBy(byte), 0);
}

/** The first byte of a character tells how many units it has. */
function unitsBegunBy(byte: number): number {
  if (byte >= 0x80 && byte < 0xc0) return 0;
  return byte >= 0xf0 ? 2 : 1;
}
