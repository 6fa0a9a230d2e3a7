import type { ClientFrame, ServerFrame } from '../gateway/frames.js';
import { GantryClientError } from './client-error.js';

type Answer = Extract<ServerFrame, { type: 'ack' | 'error' }>;
export type AckResult = Extract<ServerFrame, { type: 'ack' }>['result'];

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
export type RequestFrame = WithoutId<ClientFrame>;

export interface RequestOptions {
  /** True for what is the same when done twice: sent again after a reconnect instead of failing. */
  readonly isRepeatable: boolean;
  readonly timeoutMs: number;
  /** Called in the same turn in which the ack arrives, before any event behind it. */
  readonly onAck?: () => void;
}

interface Pending extends RequestOptions {
  readonly text: string;
  isSent: boolean;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly answer: PromiseWithResolvers<AckResult>;
}

/** Requests that wait for their answer, over any number of connections. */
export class RequestTable {
  private readonly pending = new Map<string, Pending>();
  private lastId = 0;

  constructor(private readonly connection: { readonly isOpen: boolean; send(text: string): void }) {}

  /** Rejects with `request_failed`, `timeout`, `connection_lost` or `closed`. */
  send(frame: RequestFrame, options: RequestOptions): Promise<AckResult> {
    this.lastId += 1;
    const id = `c${this.lastId}`;
    const answer = Promise.withResolvers<AckResult>();
    const timer = setTimeout(() => {
      const message = `${frame.type} was not answered within ${options.timeoutMs} ms.`;
      this.take(id)?.answer.reject(new GantryClientError('timeout', message));
    }, options.timeoutMs);
    const text = JSON.stringify({ id, ...frame });
    const entry: Pending = { ...options, text, isSent: false, timer, answer };
    this.pending.set(id, entry);
    if (this.connection.isOpen) this.transmit(entry);
    return answer.promise;
  }

  settle(answer: Answer): void {
    const entry = answer.id === null ? undefined : this.take(answer.id);
    if (entry === undefined) return;
    if (answer.type === 'ack') {
      entry.onAck?.();
      entry.answer.resolve(answer.result);
    } else {
      const { error } = answer;
      entry.answer.reject(new GantryClientError('request_failed', error.message, { error }));
    }
  }

  /** A connection is there: what was not sent, or may be sent twice, goes out. */
  onOpen(): void {
    for (const entry of this.pending.values()) this.transmit(entry);
  }

  onLost(): void {
    for (const [id, entry] of this.pending) {
      if (!entry.isSent || entry.isRepeatable) continue;
      this.take(id);
      entry.answer.reject(
        new GantryClientError('connection_lost', 'The connection broke before the answer came.'),
      );
    }
  }

  failAll(error: GantryClientError): void {
    for (const id of this.pending.keys()) this.take(id)?.answer.reject(error);
  }

  private transmit(entry: Pending): void {
    entry.isSent = true;
    this.connection.send(entry.text);
  }

  private take(id: string): Pending | undefined {
    const entry = this.pending.get(id);
    this.pending.delete(id);
    clearTimeout(entry?.timer);
    return entry;
  }
}
