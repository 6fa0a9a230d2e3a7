import type { HostEvent } from './protocol.js';

/** Why the host will send no more. */
export interface StreamBreak {
  readonly message: string;
}

export type StreamItem =
  | { readonly type: 'event'; readonly event: HostEvent }
  | { readonly type: 'broken'; readonly reason: StreamBreak };

/**
 * One generation's events between the host's channel and one reader. The host stops sending
 * when EVENT_CREDIT batches are unread, so this never grows beyond them.
 */
export class EventStream {
  private readonly batches: HostEvent[][] = [];
  private broken: StreamBreak | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly onBatchRead: () => void) {}

  push(events: HostEvent[]): void {
    this.batches.push(events);
    this.wake?.();
  }

  /** What has arrived can still be read; after it comes the break. */
  break(reason: StreamBreak): void {
    this.broken ??= reason;
    this.wake?.();
  }

  /** Ends after the break; the reader itself stops at the last event. */
  async *read(): AsyncGenerator<StreamItem, void, void> {
    for (;;) {
      const batch = this.batches.shift();
      if (batch !== undefined) {
        for (const event of batch) yield { type: 'event', event };
        this.onBatchRead();
      } else if (this.broken !== undefined) {
        yield { type: 'broken', reason: this.broken };
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
      }
    }
  }
}
