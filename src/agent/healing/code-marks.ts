type Mode =
  | { readonly in: 'prose' }
  /** To the run of as many backticks, or the end of the paragraph. */
  | { readonly in: 'inline'; readonly ticks: number }
  /** On the line that opens a fence; a backtick there makes it inline code after all. */
  | { readonly in: 'info'; readonly fence: Fence }
  | { readonly in: 'fence'; readonly fence: Fence }
  /** After what closes the fence if nothing else stands on the line. */
  | { readonly in: 'closing'; readonly fence: Fence };

interface Fence {
  readonly mark: string;
  readonly length: number;
  /** Units before it on its line. */
  readonly indent: number;
  readonly quoted: boolean;
}

interface Run {
  readonly mark: string;
  length: number;
}

/** What may stand before a fence: indentation, quotes, bullets, numbers. */
const BEFORE_FENCE = /[\s>\-*+\d.)]/;
const PROSE: Mode = { in: 'prose' };

/**
 * Whether Markdown text stands in code, by CommonMark's rules for fences and inline code, unit by unit. Where it
 * cannot be known yet whether a backtick is ever closed, what follows counts as code.
 */
export class CodeMarks {
  private mode: Mode = PROSE;
  private run: Run | undefined;
  /** What stands before the first other unit of the line; undefined after that. */
  private margin: string | undefined = '';
  private blank = true;

  /** Whether the next unit, unless it is a backtick, would be outside of code. */
  get isProse(): boolean {
    return this.settled().in === 'prose';
  }

  pass(unit: string): void {
    if (this.run?.mark === unit) {
      this.run.length += 1;
      return;
    }
    if (this.run) this.endRun();
    if (unit === '\n') this.endLine();
    else if (unit === '`' || (unit === '~' && this.margin !== undefined)) {
      this.run = { mark: unit, length: 1 };
      this.blank = false;
    } else this.passOther(unit);
  }

  /** What comes next stands as at the beginning of a line. */
  startLine(): void {
    this.margin = '';
    this.blank = true;
  }

  private passOther(unit: string): void {
    const isSpace = unit.trim() === '';
    if (!isSpace) {
      this.blank = false;
      if (this.mode.in === 'closing') this.mode = { in: 'fence', fence: this.mode.fence };
    }
    if (this.margin !== undefined) this.margin = BEFORE_FENCE.test(unit) ? this.margin + unit : undefined;
  }

  private endRun(): void {
    this.mode = this.settled();
    this.run = undefined;
    this.margin = undefined;
  }

  private endLine(): void {
    if (this.mode.in === 'info') this.mode = { in: 'fence', fence: this.mode.fence };
    else if (this.mode.in === 'closing' || (this.mode.in === 'inline' && this.blank)) this.mode = PROSE;
    this.startLine();
  }

  /** The mode once the run of marks that is being read has ended. */
  private settled(): Mode {
    const { mode, run } = this;
    if (!run) return mode;
    switch (mode.in) {
      case 'prose':
      case 'inline': {
        const fence = this.fenceOf(run);
        if (fence) return { in: 'info', fence };
        if (run.mark !== '`') return mode;
        if (mode.in === 'prose') return { in: 'inline', ticks: run.length };
        return run.length === mode.ticks ? PROSE : mode;
      }
      case 'info':
        if (mode.fence.mark === '~' || run.mark !== '`') return mode;
        return run.length === mode.fence.length ? PROSE : { in: 'inline', ticks: mode.fence.length };
      case 'fence':
        return this.closes(mode.fence, run) ? { in: 'closing', fence: mode.fence } : mode;
      case 'closing':
        return { in: 'fence', fence: mode.fence };
      default:
        return mode satisfies never;
    }
  }

  private fenceOf(run: Run): Fence | undefined {
    if (this.margin === undefined || run.length < 3) return undefined;
    const { margin } = this;
    return { mark: run.mark, length: run.length, indent: margin.length, quoted: margin.includes('>') };
  }

  private closes(fence: Fence, run: Run): boolean {
    const { margin } = this;
    if (margin === undefined || run.mark !== fence.mark || run.length < fence.length) return false;
    const allowed = fence.quoted ? /^[\s>]*$/ : /^\s*$/;
    return allowed.test(margin) && margin.length <= fence.indent + 3;
  }
}
