import { abortable } from './abortable.js';

/** Works come one after the other, in the order in which they were asked for. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();

  /** Settles as `work` does. Rejects with the signal's reason when that is aborted before its turn: it is not begun then. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.last;
    const mine = (signal === undefined ? before : abortable(before, signal)).then(work);
    // Whoever left the line was in nobody's way: those behind wait for those before.
    this.last = Promise.allSettled([before, mine]);
    return mine;
  }
}
