import type { GantryEvent } from '../events/event.js';
import type { ConnectionSocket } from './connection-socket.js';
import type { LiveFrame, ServerFrame, SnapshotFrame, WireEvent } from './frames.js';
import { mergeEvents } from './merge-events.js';

/** What a subscription sends, in its order. */
export type SessionFrame = GantryEvent | LiveFrame | SnapshotFrame;

export interface OutboxLimits {
  /** Bytes in the socket above which events wait here. */
  readonly socketBytes: number;
  /** Bytes of waiting events above which subscriptions wait in the log. */
  readonly queueBytes: number;
  /** Bytes of answers not yet taken by the network above which the client is not reading. */
  readonly answerBytes: number;
  /** How long a full queue may stay full. */
  readonly stallMs: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  socketBytes: 256 * 1024,
  queueBytes: 1024 * 1024,
  answerBytes: 4 * 1024 * 1024,
  stallMs: 10_000,
};

interface Waiting {
  readonly sessionId: string;
  frame: WireEvent | LiveFrame | SnapshotFrame;
  bytes: number;
}

/**
 * The way out of one connection. Answers go at once; events wait while the socket is full, joined where
 * their text joins. It holds a bounded amount: `room` tells the subscriptions to wait, which costs
 * nothing, since they read from the log. A reader that takes nothing for `stallMs` is reported.
 */
export class Outbox {
  private queue: Waiting[] = [];
  private queuedBytes = 0;
  private answerBytes = 0;
  private closed = false;
  private stallTimer: NodeJS.Timeout | undefined;
  private readonly waiters = new Set<() => void>();
  private readonly lastSeqs = new Map<string, number>();

  constructor(
    private readonly socket: ConnectionSocket,
    private readonly limits: OutboxLimits,
    /** The session that waits first and the last seq of it that was handed to the socket. */
    private readonly onStalled: (sessionId: string, lastSeq: number) => void,
  ) {}

  answer(frame: ServerFrame): void {
    if (this.closed) return;
    const text = JSON.stringify(frame);
    this.answerBytes += text.length;
    this.socket.send(text, () => {
      this.answerBytes -= text.length;
      this.pump();
    });
    if (this.answerBytes > this.limits.answerBytes) this.reportStall();
  }

  offer(frame: SessionFrame): void {
    if (this.closed) return;
    if (this.queue.length === 0 && this.socket.bufferedAmount <= this.limits.socketBytes) {
      this.hand(frame);
      return;
    }
    const last = this.queue.findLast((waiting) => waiting.sessionId === frame.session_id);
    const merged = last === undefined ? undefined : joined(last.frame, frame);
    const bytes = JSON.stringify(frame).length;
    if (last !== undefined && merged !== undefined) {
      last.frame = merged;
      last.bytes += bytes;
    } else this.queue.push({ sessionId: frame.session_id, frame, bytes });
    this.queuedBytes += bytes;
    this.watchStall();
  }

  /** A subscription starts after this seq. */
  begin(sessionId: string, afterSeq: number): void {
    this.lastSeqs.set(sessionId, afterSeq);
  }

  /** Resolves when there is room for more events, or nothing is sent any more. */
  async room(): Promise<void> {
    while (!this.closed && this.queuedBytes > this.limits.queueBytes)
      await new Promise<void>((resolve) => this.waiters.add(resolve));
  }

  /** Resolves when every waiting event is handed to the socket, or nothing is sent any more. */
  async drained(): Promise<void> {
    while (!this.closed && this.queue.length > 0)
      await new Promise<void>((resolve) => this.waiters.add(resolve));
  }

  /** Forgets what waits of a session that is no longer subscribed. */
  drop(sessionId: string): void {
    this.queue = this.queue.filter((waiting) => waiting.sessionId !== sessionId);
    this.queuedBytes = this.queue.reduce((sum, waiting) => sum + waiting.bytes, 0);
    this.lastSeqs.delete(sessionId);
    this.settle();
  }

  close(): void {
    this.closed = true;
    this.queue = [];
    this.queuedBytes = 0;
    this.settle();
  }

  private hand(frame: Waiting['frame']): void {
    this.lastSeqs.set(frame.session_id, frame.seq);
    this.socket.send(JSON.stringify(frame), () => this.pump());
  }

  private pump(): void {
    while (!this.closed && this.socket.bufferedAmount <= this.limits.socketBytes) {
      const next = this.queue.shift();
      if (next === undefined) break;
      this.queuedBytes -= next.bytes;
      this.hand(next.frame);
    }
    this.settle();
  }

  private settle(): void {
    if (this.closed || this.queuedBytes <= this.limits.queueBytes) {
      clearTimeout(this.stallTimer);
      this.stallTimer = undefined;
    }
    const woken = [...this.waiters];
    this.waiters.clear();
    for (const wake of woken) wake();
  }

  private watchStall(): void {
    if (this.stallTimer !== undefined || this.queuedBytes <= this.limits.queueBytes) return;
    this.stallTimer = setTimeout(() => this.reportStall(), this.limits.stallMs);
  }

  private reportStall(): void {
    if (this.closed) return;
    const sessionId = this.queue[0]?.sessionId ?? [...this.lastSeqs.keys()][0] ?? '';
    this.onStalled(sessionId, this.lastSeqs.get(sessionId) ?? 0);
  }
}

function joined(waiting: Waiting['frame'], next: SessionFrame): WireEvent | undefined {
  if (waiting.type === 'live' || waiting.type === 'snapshot') return undefined;
  return next.type === 'live' || next.type === 'snapshot' ? undefined : mergeEvents(waiting, next);
}
