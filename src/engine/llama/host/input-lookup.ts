import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { PromptGuesser } from './prompt-guesser.js';

/** Guesses that came true, and that did not. */
export interface GuessCount {
  readonly accepted: number;
  readonly rejected: number;
}

/**
 * For one turn: after tokens that stand in the prompt, the one that follows them there is evaluated along. What is made
 * stays the same, since the model says each token itself.
 */
export class InputLookup {
  private readonly before: LlamaContextSequence['tokenPredictions'];
  private readonly guesser: PromptGuesser;

  constructor(
    private readonly sequence: LlamaContextSequence,
    prompt: readonly Token[],
  ) {
    this.before = sequence.tokenPredictions;
    this.guesser = new PromptGuesser(prompt);
  }

  /** Sequences are given their predictor when they are made; this one is lent one. */
  begin(): void {
    Object.assign(this.sequence, { _tokenPredictor: this.guesser });
  }

  /** A guess that nobody came to use is taken out of the sequence. */
  async end(): Promise<void> {
    Object.assign(this.sequence, { _tokenPredictor: undefined });
    const { nextTokenIndex: start } = this.sequence;
    await this.sequence.eraseContextTokenRanges([{ start, end: start + 1 }]);
  }

  get count(): GuessCount {
    const { validated, refuted } = this.sequence.tokenPredictions;
    return { accepted: validated - this.before.validated, rejected: refuted - this.before.refuted };
  }

  /** Evaluated for nothing. */
  get wasted(): number {
    const { refuted, unused } = this.sequence.tokenPredictions;
    return refuted - this.before.refuted + unused - this.before.unused;
  }
}
