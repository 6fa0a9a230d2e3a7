import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { type ChosenToken, LEAST_LOGPROB, type TokenLogprob } from '../../../token-logprobs.js';
import { printable, type TokenBytes } from './token-bytes.js';
import { TokenTrail, type Look } from './token-trail.js';
import { watchedSequence } from './watched-sequence.js';

/** The tokens of one turn with their probabilities. */
export class TokenReport {
  private readonly trail = new TokenTrail();

  constructor(
    /** Alternatives that each token comes with. */
    private readonly top: number,
    private readonly tokenBytes: TokenBytes,
  ) {}

  /** What is made in this one is known here. */
  watch(sequence: LlamaContextSequence): LlamaContextSequence {
    return watchedSequence(sequence, {
      alternatives: this.top,
      onToken: (token, probabilities) => this.trail.add({ token, probabilities }),
    });
  }

  /** Those of a piece of text as the library gives it out; each once, in their order. */
  of(tokens: readonly Token[]): ChosenToken[] {
    return this.trail.take(tokens).map((look) => this.describe(look));
  }

  private describe({ token, probabilities }: Look): ChosenToken {
    const likeliest = [...probabilities].slice(0, this.top);
    return {
      ...this.describeOne(token, probabilities.get(token)),
      top_logprobs: likeliest.map(([other, logprob]) => this.describeOne(other, logprob)),
    };
  }

  private describeOne(token: Token, logprob = LEAST_LOGPROB): TokenLogprob {
    const bytes = this.tokenBytes.of(token);
    return {
      token: bytes === undefined ? '' : printable(bytes),
      logprob: Math.max(logprob, LEAST_LOGPROB),
      bytes: bytes === undefined ? null : [...bytes],
    };
  }
}
