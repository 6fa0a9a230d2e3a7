interface Deadline {
  readonly at: number;
  readonly callback: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Time spent working, in milliseconds. It stands still while a person is asked in the middle of the work, and
 * so do the deadlines that are set on it.
 */
export class WorkClock {
  private standing = 0;
  private stoodAt = 0;
  private stoodMs = 0;
  private readonly deadlines = new Set<Deadline>();

  /** Monotonic; only differences mean something. */
  now(): number {
    return (this.standing > 0 ? this.stoodAt : performance.now()) - this.stoodMs;
  }

  /** Calls back once `ms` have gone by on this clock. Returns the way to call it off. */
  after(ms: number, callback: () => void): () => void {
    const deadline: Deadline = { at: this.now() + ms, callback, timer: undefined };
    this.deadlines.add(deadline);
    if (this.standing === 0) this.arm(deadline);
    return () => {
      clearTimeout(deadline.timer);
      this.deadlines.delete(deadline);
    };
  }

  /** Stands still until `wait` has settled. */
  async standStill<T>(wait: Promise<T>): Promise<T> {
    this.stop();
    try {
      return await wait;
    } finally {
      this.go();
    }
  }

  private stop(): void {
    this.standing += 1;
    if (this.standing > 1) return;
    this.stoodAt = performance.now();
    for (const deadline of this.deadlines) clearTimeout(deadline.timer);
  }

  private go(): void {
    this.standing -= 1;
    if (this.standing > 0) return;
    this.stoodMs += performance.now() - this.stoodAt;
    for (const deadline of this.deadlines) this.arm(deadline);
  }

  private arm(deadline: Deadline): void {
    deadline.timer = setTimeout(
      () => {
        this.deadlines.delete(deadline);
        deadline.callback();
      },
      Math.max(0, deadline.at - this.now()),
    );
  }
}
