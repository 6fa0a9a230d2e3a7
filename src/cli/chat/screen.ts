import { plainText } from '../terminal-text.js';

/** The kind of text that is being written; another kind begins on a line of its own. */
export type Block = 'answer' | 'reasoning' | 'stdout' | 'stderr';

/**
 * Streams pieces of text to the terminal. The only way from what others wrote to the terminal: whatever
 * comes through `stream` is made plain first.
 */
export class Screen {
  private block: Block | undefined;
  private atLineStart = true;
  /** The first half of a character that was cut between two pieces. */
  private half = '';

  constructor(private readonly write: (text: string) => void) {}

  /** `decorate` sets a part of a line apart; `prefix` begins each line. */
  stream(block: Block, text: string, prefix: string, decorate: (text: string) => string): void {
    if (this.block !== block) {
      this.endBlock();
      this.block = block;
    }
    const whole = this.half + text;
    const cut = /[\uD800-\uDBFF\r]$/.test(whole) ? whole.length - 1 : whole.length;
    this.half = whole.slice(cut);
    const lines = plainText(whole.slice(0, cut)).split('\n');
    for (const [index, line] of lines.entries()) {
      if (index > 0) this.put('\n');
      if (line !== '') this.put((this.atLineStart ? prefix : '') + decorate(line));
    }
  }

  /** A line of our own. What others wrote must have been made plain. */
  line(text: string): void {
    this.endBlock();
    this.write(`${text}\n`);
  }

  /** The same without the line break, for an answer to be typed behind it. */
  prompt(text: string): void {
    this.endBlock();
    this.write(text);
  }

  endBlock(): void {
    this.half = '';
    this.block = undefined;
    if (!this.atLineStart) this.put('\n');
  }

  private put(text: string): void {
    this.write(text);
    this.atLineStart = text.endsWith('\n');
  }
}
