import { fairOrder } from './fair-order.js';

/** A place among those that may work at once, or in the line for one. */
export interface Place {
  /** Yields the position in the line, 1 for the next, at first and at each change; ends when it is this one's turn. */
  positions(signal: AbortSignal): AsyncGenerator<number, void, void>;
  /** Gives the place back, or leaves the line. */
  leave(): void;
}

interface Waiter {
  readonly owner: string;
  granted: boolean;
  wake: () => void;
}

/**
 * At most `places` work at once. Who waits is served by turns of the owners: one who asks ten times does not
 * keep the others waiting ten times as long.
 */
export class FairQueue {
  private readonly working = new Set<Waiter>();
  private line: Waiter[] = [];

  constructor(private readonly places: number) {}

  get active(): number {
    return this.working.size;
  }

  get waiting(): number {
    return this.line.length;
  }

  enter(owner: string): Place {
    const waiter: Waiter = { owner, granted: false, wake: () => undefined };
    this.line.push(waiter);
    this.serve();
    return {
      positions: (signal) => this.positions(waiter, signal),
      leave: () => this.leave(waiter),
    };
  }

  private leave(waiter: Waiter): void {
    this.working.delete(waiter);
    this.line = this.line.filter((one) => one !== waiter);
    this.serve();
  }

  private serve(): void {
    while (this.working.size < this.places) {
      const next = this.inTurn()[0];
      if (next === undefined) break;
      this.line = this.line.filter((one) => one !== next);
      this.working.add(next);
      next.granted = true;
      next.wake();
    }
    for (const waiter of this.line) waiter.wake();
  }

  private inTurn(): readonly Waiter[] {
    const had = new Map<string, number>();
    for (const { owner } of this.working) had.set(owner, (had.get(owner) ?? 0) + 1);
    return fairOrder(this.line, had);
  }

  private async *positions(waiter: Waiter, signal: AbortSignal): AsyncGenerator<number, void, void> {
    let told = 0;
    const onAbort = (): void => waiter.wake();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (waiter.granted) return;
        const changed = new Promise<void>((resolve) => {
          waiter.wake = resolve;
        });
        const position = this.inTurn().indexOf(waiter) + 1;
        if (position === told) await changed;
        else {
          told = position;
          yield position;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
