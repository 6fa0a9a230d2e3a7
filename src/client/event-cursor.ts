import type { StreamItem } from './decode-server-text.js';
import type { GantryClientError } from './client-error.js';

/** Past this many unread items the cursor lets go and reads on from the log when the reader has caught up. */
const CAPACITY = 10_000;

/** `gap`: something before this item is missing. */
export type Acceptance = 'taken' | 'gap';

/** One reader's place in one session: each seq is given once, in order, over any number of connections. */
export class EventCursor {
  private queue: StreamItem[] = [];
  private hasOverflowed = false;
  private end: { readonly error: GantryClientError | undefined } | undefined;
  private wake: (() => void) | undefined;

  constructor(
    private position: number,
    /** Called when the reader has caught up after an overflow. */
    private readonly onCaughtUp: () => void,
  ) {}

  /** Everything up to this seq has been taken. */
  get afterSeq(): number {
    return this.position;
  }

  accept(item: StreamItem): Acceptance {
    if (this.hasOverflowed || this.end !== undefined) return 'taken';
    switch (item.type) {
      case 'live':
        this.push(item);
        return 'taken';
      case 'snapshot':
        if (item.seq > this.position && this.push(item)) this.position = item.seq;
        return 'taken';
      default:
        if (item.seq <= this.position) return 'taken';
        if ((item.first_seq ?? item.seq) !== this.position + 1) return 'gap';
        if (this.push(item)) this.position = item.seq;
        return 'taken';
    }
  }

  /** A place in the order without anything to show. */
  skip(firstSeq: number, seq: number): Acceptance {
    if (this.hasOverflowed || seq <= this.position) return 'taken';
    if (firstSeq !== this.position + 1) return 'gap';
    this.position = seq;
    return 'taken';
  }

  /** What was taken is still given first. */
  finish(error?: GantryClientError): void {
    this.end ??= { error };
    this.wake?.();
  }

  /** Undefined: finished. Throws what `finish` was given. */
  async next(): Promise<StreamItem | undefined> {
    for (;;) {
      const item = this.queue.shift();
      if (item !== undefined) return item;
      if (this.end?.error !== undefined) throw this.end.error;
      if (this.end !== undefined) return undefined;
      if (this.hasOverflowed) {
        this.hasOverflowed = false;
        this.onCaughtUp();
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private push(item: StreamItem): boolean {
    if (this.queue.length >= CAPACITY) {
      this.hasOverflowed = true;
      return false;
    }
    this.queue.push(item);
    this.wake?.();
    return true;
  }
}
