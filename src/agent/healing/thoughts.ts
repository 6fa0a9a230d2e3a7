/** How models mark thoughts that their server left in the text. */
const THOUGHTS: ReadonlyMap<string, string> = new Map([
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['[THINK]', '[/THINK]'],
  ['<|channel|>analysis', '<|end|>'],
  ['<|channel>thought', '<channel|>'],
]);
const LONGEST = Math.max(...[...THOUGHTS].flat().map((tag) => tag.length));

/** Whether text stands in a thought, unit by unit. */
export class Thoughts {
  private closing: string | undefined;
  private tag = '';

  get isInside(): boolean {
    return this.closing !== undefined;
  }

  pass(unit: string): void {
    if (unit === '<' || unit === '[') this.tag = unit;
    else if (this.tag !== '') this.tag = this.tag.length < LONGEST ? this.tag + unit : '';
    if (this.closing === undefined) this.closing = THOUGHTS.get(this.tag);
    else if (this.tag === this.closing) this.closing = undefined;
  }

  /** Code stands between: a tag does not go on over it. */
  interrupt(): void {
    this.tag = '';
  }
}
