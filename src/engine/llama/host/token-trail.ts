import type { Token } from 'node-llama-cpp';
import type { LogProbabilities } from './model-probabilities.js';

/** A token as it was made. */
export interface Look {
  readonly token: Token;
  readonly probabilities: LogProbabilities;
}

/**
 * From the making of tokens to the giving out of their text: the library holds tokens back, and those that are syntax
 * of calls and thoughts, or of a stop, are never given out.
 */
export class TokenTrail {
  private made: Look[] = [];

  add(look: Look): void {
    this.made.push(look);
  }

  /** Those of a piece of text. A token that was cut, by a stop within it, was never made as it is given out. */
  take(tokens: readonly Token[]): Look[] {
    return tokens.flatMap((token) => {
      const place = this.made.findIndex((look) => look.token === token);
      const found = this.made[place];
      if (found === undefined) return [];
      this.made = this.made.slice(place + 1);
      return [found];
    });
  }
}
