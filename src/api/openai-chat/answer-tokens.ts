import type { GantryEvent } from '../../events/event.js';
import type { ChosenToken } from '../../token-logprobs.js';

/** As OpenAI has it, in a choice and in a chunk of one. */
export interface ChoiceLogprobs {
  readonly content: readonly ChosenToken[];
  readonly refusal: null;
}

export function choiceLogprobs(tokens: readonly ChosenToken[]): ChoiceLogprobs | null {
  return tokens.length === 0 ? null : { content: tokens, refusal: null };
}

interface Piece {
  readonly offset: number;
  readonly text: string;
  readonly tokens: readonly ChosenToken[];
}

/** The tokens of a run's answer, which is its last round's text, from the run's events. */
export class AnswerTokens {
  private round = -1;
  private pieces: Piece[] = [];

  add(event: GantryEvent): void {
    if (event.type !== 'chunk' && event.type !== 'stream_reset') return;
    if (event.round !== this.round) this.pieces = [];
    this.round = event.round;
    if (event.type === 'stream_reset') {
      // A recovery goes on after whole tokens, or from the beginning.
      this.pieces = this.pieces.filter(({ offset, text }) => offset + text.length <= event.to_offset);
      return;
    }
    const { offset, choices } = event;
    for (const { delta, logprobs } of choices) {
      if (delta.content === undefined) continue;
      this.pieces.push({ offset, text: delta.content, tokens: logprobs?.content ?? [] });
    }
  }

  get all(): readonly ChosenToken[] {
    return this.pieces.flatMap(({ tokens }) => tokens);
  }
}
