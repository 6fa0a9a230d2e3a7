import type { ChosenToken } from '../../token-logprobs.js';
import { TokensOfText } from '../../tokens-of-text.js';
import { EngineError } from '../engine-error.js';
import type { ChatChunk } from './chat-chunk.js';
import { RepetitionFilter } from './repetition-filter.js';

interface Said {
  readonly text: string;
  readonly logprobs: readonly ChosenToken[];
}

/** The text of an answer without what it repeats of `prefix`, and the tokens that it is made of. */
export class SaidText {
  private readonly repetition: RepetitionFilter;
  private readonly tokens = new TokensOfText();

  constructor(
    prefix: string,
    private wantsTokens: boolean,
  ) {
    this.repetition = new RepetitionFilter(prefix);
  }

  /** The chunk with what can be said now. Throws EngineError where tokens are wanted and the server sends none. */
  push(chunk: ChatChunk): ChatChunk {
    const { text, logprobs } = chunk;
    if (text === '') return chunk.calls.length > 0 ? { ...chunk, ...this.end() } : chunk;
    if (this.wantsTokens && logprobs.length === 0) {
      throw new EngineError(
        'invalid_request',
        'The server behind this model sends no logprobs; leave logprobs out.',
      );
    }
    this.wantsTokens = false;
    this.tokens.feed(text, logprobs);
    const before = this.repetition.taken;
    const held = chunk.calls.length > 0 ? this.repetition.end() : '';
    const shown = held + this.repetition.push(text);
    this.tokens.pass(this.repetition.taken - before);
    return { ...chunk, text: shown, logprobs: this.tokens.pass(shown.length) };
  }

  /** What was held when the stream ended. */
  end(): Said {
    const text = this.repetition.end();
    return { text, logprobs: this.tokens.pass(text.length) };
  }
}
