import type { LlamaContextSequence } from 'node-llama-cpp';

interface Slot {
  readonly sequence: LlamaContextSequence;
  sessionId: string | undefined;
  busy: boolean;
  lastUsed: number;
}

interface Waiter {
  readonly sessionId: string;
  readonly onPosition: (position: number) => void;
  readonly grant: (lease: SequenceLease) => void;
}

/** A sequence of the context, lent to one generation. */
export interface SequenceLease {
  readonly sequence: LlamaContextSequence;
  release(): void;
}

/**
 * Lends the context's sequences, first come first served. A session gets the sequence that
 * still holds its tokens when that one is free, so that only what is new is evaluated.
 */
export class SequencePool {
  private readonly slots: Slot[];
  private readonly waiting: Waiter[] = [];
  private clock = 0;

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.slots = sequences.map((sequence) => ({
      sequence,
      sessionId: undefined,
      busy: false,
      lastUsed: 0,
    }));
  }

  /** `onPosition` is told 1 for the next in line, and each change. Rejects when aborted. */
  acquire(
    sessionId: string,
    signal: AbortSignal,
    onPosition: (position: number) => void,
  ): Promise<SequenceLease> {
    signal.throwIfAborted();
    const free = this.bestFree(sessionId);
    if (free !== undefined && this.waiting.length === 0) {
      return Promise.resolve(this.lend(free, sessionId));
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const index = this.waiting.indexOf(waiter);
        if (index >= 0) this.waiting.splice(index, 1);
        this.tellPositions();
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        sessionId,
        onPosition,
        grant: (lease) => {
          signal.removeEventListener('abort', onAbort);
          resolve(lease);
        },
      };
      this.waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
      onPosition(this.waiting.length);
    });
  }

  private bestFree(sessionId: string): Slot | undefined {
    const free = this.slots.filter((slot) => !slot.busy);
    return (
      free.find((slot) => slot.sessionId === sessionId) ?? free.toSorted((a, b) => a.lastUsed - b.lastUsed)[0]
    );
  }

  private lend(slot: Slot, sessionId: string): SequenceLease {
    slot.busy = true;
    slot.sessionId = sessionId;
    let returned = false;
    return {
      sequence: slot.sequence,
      release: () => {
        if (returned) return;
        returned = true;
        slot.busy = false;
        slot.lastUsed = ++this.clock;
        this.serveNext();
      },
    };
  }

  private serveNext(): void {
    const next = this.waiting[0];
    const slot = next === undefined ? undefined : this.bestFree(next.sessionId);
    if (next === undefined || slot === undefined) return;
    this.waiting.shift();
    next.grant(this.lend(slot, next.sessionId));
    this.tellPositions();
  }

  private tellPositions(): void {
    this.waiting.forEach((waiter, index) => waiter.onPosition(index + 1));
  }
}
