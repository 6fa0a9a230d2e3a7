import type { Tape } from './tape.js';

/** A grammar as a coroutine: it yields where it needs text that has not come yet. */
export type Reading<T> = Generator<undefined, T, void>;

const SPACE: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n']);
/** What a model may write between the end of its JSON and the mark that closes the call. */
const SPACE_OR_END: ReadonlySet<string> = new Set([...SPACE, '}', ']']);
const NAME_UNIT = /[\w.-]/;
const LONGEST_NAME = 128;

/** Reads one possible call, from the end of its opener to `limit` at most. */
export class Reader {
  /** Where it stands: after the call, when the grammar has found one. */
  at: number;
  /** What lies before this has been looked at as part of a call, and is not searched for others again. */
  searched = 0;

  constructor(
    private readonly tape: Tape,
    readonly start: number,
    opener: string,
    private readonly limit: number,
  ) {
    this.at = start + opener.length;
  }

  /** Whether the model ended its turn here, of itself. */
  get isTurnEnd(): boolean {
    return this.tape.isClosed && this.at >= this.tape.end && this.at < this.limit;
  }

  /** Undefined: nothing more comes. */
  *peek(): Reading<string | undefined> {
    if (this.at >= this.limit) return undefined;
    while (this.at >= this.tape.end) {
      if (this.tape.isClosed) return undefined;
      yield;
    }
    return this.tape.unit(this.at);
  }

  *next(): Reading<string | undefined> {
    const unit = yield* this.peek();
    if (unit !== undefined) this.at += 1;
    return unit;
  }

  /** Moves past it, or not at all. */
  *literal(expected: string): Reading<boolean> {
    const from = this.at;
    for (const unit of expected) {
      if ((yield* this.peek()) !== unit) {
        this.at = from;
        return false;
      }
      this.at += 1;
    }
    return true;
  }

  *oneOf(literals: readonly string[]): Reading<string | undefined> {
    for (const literal of literals) if (yield* this.literal(literal)) return literal;
    return undefined;
  }

  space(): Reading<void> {
    return this.skip(SPACE);
  }

  /** A closing mark that may be missing, and the white space before it. */
  *close(mark: string): Reading<boolean> {
    return yield* this.markAfter(SPACE, mark);
  }

  /** As `close`, after JSON: brackets too many before the mark go with it. */
  *closeJson(mark: string): Reading<boolean> {
    return yield* this.markAfter(SPACE_OR_END, mark);
  }

  /** Whether one of the marks, or the end of the turn, comes after white space. Moves nowhere. */
  *isFollowedBy(marks: readonly string[]): Reading<boolean> {
    const from = this.at;
    yield* this.space();
    const isEnd = (yield* this.peek()) === undefined && this.isTurnEnd;
    const found = isEnd || (yield* this.oneOf(marks)) !== undefined;
    this.at = from;
    return found;
  }

  /** Empty where there is none. */
  *name(): Reading<string> {
    const from = this.at;
    for (;;) {
      const unit = yield* this.peek();
      if (unit === undefined || !NAME_UNIT.test(unit) || this.at - from === LONGEST_NAME) break;
      this.at += 1;
    }
    return this.text(from, this.at);
  }

  /** The text before the mark, `longest` units at most; moves past the mark. */
  *before(mark: string, longest: number): Reading<string | undefined> {
    const from = this.at;
    while (this.at - from < longest + mark.length) {
      const unit = yield* this.next();
      if (unit === undefined) return undefined;
      if (unit === mark.at(-1) && this.endsWith(mark)) return this.text(from, this.at - mark.length);
    }
    return undefined;
  }

  endsWith(text: string): boolean {
    const from = this.at - text.length;
    return from >= this.start && this.text(from, this.at) === text;
  }

  text(from: number, to: number): string {
    return this.tape.text(from, to);
  }

  private *skip(units: ReadonlySet<string>): Reading<void> {
    for (;;) {
      const unit = yield* this.peek();
      if (unit === undefined || !units.has(unit)) return;
      this.at += 1;
    }
  }

  private *markAfter(units: ReadonlySet<string>, mark: string): Reading<boolean> {
    const from = this.at;
    yield* this.skip(units);
    if (yield* this.literal(mark)) return true;
    this.at = from;
    return false;
  }
}
