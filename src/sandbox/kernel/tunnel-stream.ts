import { Duplex } from 'node:stream';
import { ByteQueue } from './byte-queue.js';
import { FrameError } from './frame-codec.js';
import { INITIAL_CREDIT_BYTES, MAX_TUNNEL_DATA_BYTES, type TunnelFrame } from './tunnel-frames.js';

/** Credit is given back in portions: a frame for each small read would cost more than the read. */
const CREDIT_PORTION_BYTES = INITIAL_CREDIT_BYTES / 4;

type Done = (error?: Error | null) => void;

/**
 * One connection that code in the sandbox opened, as its server sees it. Holds at most the credit it gave
 * plus one block; sends no more than the credit it has, when asked for its next frame.
 */
export class TunnelStream extends Duplex {
  readonly #received = new ByteQueue();
  #wanted = false;
  /** What the other side may still send, and what of its credit is to be given back. */
  #window = INITIAL_CREDIT_BYTES;
  #owed = 0;
  #credit = INITIAL_CREDIT_BYTES;
  #unsent: { readonly bytes: Buffer; readonly done: Done } | undefined;
  #finishing: Done | undefined;
  #theirs: 'open' | 'ended' = 'open';
  #ours: 'open' | 'ended' = 'open';
  #resetDue = false;
  readonly #idle: NodeJS.Timeout;

  constructor(
    readonly id: number,
    private readonly schedule: (stream: TunnelStream) => void,
    idleMs: number,
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: 1, writableHighWaterMark: MAX_TUNNEL_DATA_BYTES });
    this.#idle = setTimeout(() => this.destroy(), idleMs);
    // Whoever serves it learns from its reads and writes; nobody listening is no crash.
    this.on('error', () => undefined);
  }

  /** Nothing more is to be sent or will be taken. */
  get isOver(): boolean {
    return this.destroyed && !this.#resetDue;
  }

  receive(bytes: Buffer): void {
    this.#window -= bytes.length;
    if (this.#theirs === 'ended') throw new FrameError('tunnel data after the end');
    if (this.#window < 0) throw new FrameError('tunnel data over the credit');
    if (this.destroyed) return;
    this.#idle.refresh();
    this.#received.append(bytes);
    this.#deliver();
  }

  receiveEnd(): void {
    if (this.#theirs === 'ended') throw new FrameError('tunnel ended twice');
    this.#theirs = 'ended';
    this.#deliver();
  }

  receiveCredit(amount: number): void {
    this.#credit += amount;
    if (this.#credit > INITIAL_CREDIT_BYTES) throw new FrameError('tunnel credit that was never used');
    if (this.#unsent !== undefined) this.schedule(this);
  }

  /** The other side gave it up, or there is no other side any more. */
  abandon(): void {
    this.#theirs = 'ended';
    this.#ours = 'ended';
    this.#resetDue = false;
    this.destroy();
  }

  /** What is to be sent next, of which there is more as long as it is not undefined. */
  nextFrame(): TunnelFrame | undefined {
    if (this.#resetDue) {
      this.#resetDue = false;
      return { operation: 'reset', stream: this.id };
    }
    if (this.destroyed) return undefined;
    if (this.#owed >= CREDIT_PORTION_BYTES && this.#theirs === 'open') {
      const amount = this.#owed;
      this.#owed = 0;
      this.#window += amount;
      return { operation: 'credit', stream: this.id, amount };
    }
    return this.#nextData() ?? this.#nextEnd();
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#unsent = { bytes, done };
    this.schedule(this);
  }

  override _final(done: Done): void {
    this.#finishing = done;
    this.schedule(this);
  }

  override _destroy(error: Error | null, done: Done): void {
    clearTimeout(this.#idle);
    this.#received.clear();
    this.#resetDue = this.#ours === 'open' || this.#theirs === 'open';
    const given = error ?? new Error('the connection was given up');
    this.#unsent?.done(given);
    this.#unsent = undefined;
    this.#finishing?.(given);
    this.#finishing = undefined;
    this.schedule(this);
    done(error);
  }

  #deliver(): void {
    if (this.destroyed) return;
    while (this.#wanted && this.#received.length > 0) {
      const bytes = this.#received.take();
      if (bytes === undefined) break;
      this.#owed += bytes.length;
      this.#wanted = this.push(bytes);
    }
    if (this.#owed >= CREDIT_PORTION_BYTES) this.schedule(this);
    if (this.#wanted && this.#theirs === 'ended' && this.#received.length === 0) {
      this.#wanted = false;
      this.push(null);
    }
  }

  #nextData(): TunnelFrame | undefined {
    if (this.#unsent === undefined || this.#credit === 0) return undefined;
    const { bytes, done } = this.#unsent;
    const part = bytes.subarray(0, Math.min(this.#credit, MAX_TUNNEL_DATA_BYTES));
    this.#credit -= part.length;
    this.#idle.refresh();
    const rest = bytes.subarray(part.length);
    this.#unsent = rest.length > 0 ? { bytes: rest, done } : undefined;
    if (this.#unsent === undefined) done();
    return { operation: 'data', stream: this.id, bytes: part };
  }

  #nextEnd(): TunnelFrame | undefined {
    const done = this.#finishing;
    if (done === undefined || this.#unsent !== undefined) return undefined;
    this.#finishing = undefined;
    this.#ours = 'ended';
    done();
    return { operation: 'end', stream: this.id };
  }
}
