import type { PayloadOf } from '../../events/event.js';

type Chunk = PayloadOf<'chunk'>;
type Delta = Chunk['choices'][number]['delta'];

/** How much of the round's content and reasoning has been sent: that cannot be taken back. */
export class StreamedText {
  private round = -1;
  private sent = { content: 0, reasoning_content: 0 };

  add({ round, offset }: Chunk, delta: Delta): object[] {
    if (round !== this.round) {
      this.round = round;
      this.sent = { content: 0, reasoning_content: 0 };
    }
    return (['reasoning_content', 'content'] as const).flatMap((channel) => {
      const text = delta[channel] ?? '';
      if (text === '') return [];
      this.sent[channel] = offset + text.length;
      return [{ [channel]: text }];
    });
  }

  /** Whether all that was sent is still part of the answer. */
  canResume({ round, to_offset, to_reasoning_offset }: PayloadOf<'stream_reset'>): boolean {
    if (round !== this.round) return true;
    return this.sent.content <= to_offset && this.sent.reasoning_content <= to_reasoning_offset;
  }
}
