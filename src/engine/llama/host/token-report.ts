import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import {
  type ChosenToken,
  LEAST_LOGPROB,
  type RawToken,
  type TokenLogprob,
} from '../../../token-logprobs.js';
import { printable, type TokenBytes } from './token-bytes.js';
import { TokenTrail, type Look } from './token-trail.js';
import { watchedSequence } from './watched-sequence.js';

/** How many alternatives come with each token of the text, and with each that is made. Undefined: it does not come. */
export interface WantedTokens {
  readonly top: number | undefined;
  readonly raw: number | undefined;
}

/** The tokens of one turn with their probabilities. */
export class TokenReport {
  private readonly trail = new TokenTrail();

  constructor(
    private readonly wanted: WantedTokens,
    private readonly tokenBytes: TokenBytes,
    private readonly onRaw: (token: RawToken) => void,
  ) {}

  /** What is made in this one is known here. */
  watch(sequence: LlamaContextSequence): LlamaContextSequence {
    return watchedSequence(sequence, {
      alternatives: Math.max(this.wanted.top ?? 0, this.wanted.raw ?? 0),
      onToken: (token, probabilities) => this.made({ token, probabilities }),
    });
  }

  /** Those of a piece of text as the library gives it out; each once, in their order. */
  of(tokens: readonly Token[]): ChosenToken[] | undefined {
    const { top } = this.wanted;
    if (top === undefined) return undefined;
    return this.trail.take(tokens).map((look) => this.describe(look, top));
  }

  private made(look: Look): void {
    const { top, raw } = this.wanted;
    if (top !== undefined) this.trail.add(look);
    if (raw === undefined) return;
    const likeliest = [...look.probabilities].slice(0, raw);
    this.onRaw({
      id: look.token,
      ids: likeliest.map(([token]) => token),
      logprobs: likeliest.map(([, logprob]) => toSixPlaces(logprob)),
    });
  }

  private describe({ token, probabilities }: Look, top: number): ChosenToken {
    const likeliest = [...probabilities].slice(0, top);
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

/** There are many of them, and no more is exact. */
function toSixPlaces(logprob: number): number {
  return Math.max(LEAST_LOGPROB, Math.round(logprob * 1e6) / 1e6);
}
