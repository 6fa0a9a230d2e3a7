import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Injection token: milliseconds in which a request that broke off may be made again and find its run. */
export const RETRY_GRACE_MS = Symbol('RETRY_GRACE_MS');

export const RETRY_GRACE = { provide: RETRY_GRACE_MS, useValue: 30_000 } as const;

interface Circle {
  size: number;
  /** Set once somebody left without the answer. */
  giveUp: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Who waits in this process for the answer of one run, found by the idempotency key of their requests. The run is given
 * up when the last has left and nobody has come back within the grace. When the server closes, none is.
 */
@Injectable()
export class RunFollowers implements OnModuleDestroy {
  private readonly circles = new Map<string, Circle>();
  private closed = false;

  constructor(@Inject(RETRY_GRACE_MS) private readonly graceMs: number) {}

  onModuleDestroy(): void {
    this.closed = true;
    for (const { timer } of this.circles.values()) clearTimeout(timer);
    this.circles.clear();
  }

  /** Before the run is looked up, so that it is not given up meanwhile. */
  join(key: string): void {
    const circle = this.circles.get(key) ?? { size: 0, giveUp: undefined, timer: undefined };
    clearTimeout(circle.timer);
    circle.size += 1;
    this.circles.set(key, circle);
  }

  /** Once for each `join`; with `giveUp` by who did not hear the end. It must not throw. */
  leave(key: string, giveUp?: () => void): void {
    const circle = this.circles.get(key);
    if (circle === undefined || this.closed) return;
    circle.size -= 1;
    circle.giveUp = giveUp ?? circle.giveUp;
    if (circle.size > 0) return;
    const { giveUp: lastWish } = circle;
    if (lastWish === undefined) {
      this.circles.delete(key);
      return;
    }
    circle.timer = setTimeout(() => {
      this.circles.delete(key);
      lastWish();
    }, this.graceMs).unref();
  }
}
