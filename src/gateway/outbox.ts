import type { GantryEvent } from '../events/event.js';
import type { ConnectionSocket } from './connection-socket.js';
import type { LiveFrame, ServerFrame, SnapshotFrame, WireEvent } from './frames.js';
import { mergeEvents } from './merge-events.js';
import { type MessagePart, partsOf } from './message-parts.js';

/** What a subscription sends, in its order. */
export type SessionFrame = GantryEvent | LiveFrame | SnapshotFrame;

export interface OutboxLimits {
  /** Bytes in the socket above which events wait here. */
  readonly socketBytes: number;
  /** Bytes of waiting events above which subscriptions wait in the log. */
  readonly queueBytes: number;
  /** Bytes of answers not yet taken by the network above which the client is not reading. */
  readonly answerBytes: number;
  /** How long the network may take nothing while more than `queueBytes` wait. */
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

/** A part of a message that has begun, or of an answer that came meanwhile. */
interface Outgoing {
  readonly part: MessagePart;
  /** Of an event. */
  readonly sessionId: string | undefined;
  readonly onHanded: () => void;
  readonly onTaken: () => void;
}

/**
 * The way out of one connection. Answers go at once; events wait while the socket is full, joined where
 * their text joins. It holds a bounded amount: `room` tells the subscriptions to wait, which costs
 * nothing, since they read from the log. A large event goes in parts, as the socket takes them: a reader that takes
 * none for `stallMs` is reported, one that is slow is not.
 */
export class Outbox {
  private queue: Waiting[] = [];
  private outgoing: Outgoing[] = [];
  private queuedBytes = 0;
  private outgoingBytes = 0;
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
    let goesAtOnce = this.outgoing.length === 0;
    this.append(text, {
      sessionId: undefined,
      onHanded: () => undefined,
      onTaken: () => {
        this.answerBytes -= text.length;
      },
    });
    while (goesAtOnce) goesAtOnce = this.handNext();
    if (this.answerBytes > this.limits.answerBytes) this.reportStall();
  }

  offer(frame: SessionFrame): void {
    if (this.closed) return;
    if (!this.isWaiting && this.socket.bufferedAmount <= this.limits.socketBytes) {
      this.begin(frame);
      this.pump();
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
  follow(sessionId: string, afterSeq: number): void {
    this.lastSeqs.set(sessionId, afterSeq);
  }

  /** Resolves when there is room for more events, or nothing is sent any more. */
  async room(): Promise<void> {
    while (!this.closed && this.isFull) await new Promise<void>((resolve) => this.waiters.add(resolve));
  }

  /** Resolves when every waiting event is handed to the socket, or nothing is sent any more. */
  async drained(): Promise<void> {
    while (!this.closed && this.isWaiting) await new Promise<void>((resolve) => this.waiters.add(resolve));
  }

  /** Forgets what waits of a session that is no longer subscribed. What has begun goes on to its end. */
  drop(sessionId: string): void {
    this.queue = this.queue.filter((waiting) => waiting.sessionId !== sessionId);
    this.queuedBytes = this.queue.reduce((sum, waiting) => sum + waiting.bytes, 0);
    this.lastSeqs.delete(sessionId);
    this.settle();
  }

  close(): void {
    this.closed = true;
    this.queue = [];
    this.outgoing = [];
    this.queuedBytes = 0;
    this.outgoingBytes = 0;
    this.settle();
  }

  private get isWaiting(): boolean {
    return this.outgoing.length > 0 || this.queue.length > 0;
  }

  private get isFull(): boolean {
    return this.queuedBytes + this.outgoingBytes > this.limits.queueBytes;
  }

  private begin(frame: Waiting['frame']): void {
    const { session_id: sessionId, seq } = frame;
    this.append(JSON.stringify(frame), {
      sessionId,
      onHanded: () => {
        if (this.lastSeqs.has(sessionId)) this.lastSeqs.set(sessionId, seq);
      },
      onTaken: () => undefined,
    });
  }

  /** `end` is told of the message's last part. */
  private append(message: string, end: Omit<Outgoing, 'part'>): void {
    const middle = { ...end, onHanded: () => undefined, onTaken: () => undefined };
    for (const part of partsOf(message)) {
      this.outgoing.push({ part, ...(part.isLast ? end : middle) });
      this.outgoingBytes += part.data.length;
    }
  }

  /** False: nothing has begun. */
  private handNext(): boolean {
    const next = this.outgoing.shift();
    if (next === undefined) return false;
    this.outgoingBytes -= next.part.data.length;
    next.onHanded();
    this.socket.send(next.part, () => {
      next.onTaken();
      this.stallTimer?.refresh();
      this.pump();
    });
    return true;
  }

  private pump(): void {
    while (!this.closed && this.socket.bufferedAmount <= this.limits.socketBytes) {
      if (this.handNext()) continue;
      const next = this.queue.shift();
      if (next === undefined) break;
      this.queuedBytes -= next.bytes;
      this.begin(next.frame);
    }
    this.settle();
  }

  private settle(): void {
    this.watchStall();
    const woken = [...this.waiters];
    this.waiters.clear();
    for (const wake of woken) wake();
  }

  private watchStall(): void {
    if (!this.closed && this.isFull) {
      this.stallTimer ??= setTimeout(() => this.reportStall(), this.limits.stallMs);
      return;
    }
    clearTimeout(this.stallTimer);
    this.stallTimer = undefined;
  }

  private reportStall(): void {
    if (this.closed) return;
    const begun = this.outgoing.find(({ sessionId }) => sessionId !== undefined);
    const sessionId = begun?.sessionId ?? this.queue[0]?.sessionId ?? [...this.lastSeqs.keys()][0] ?? '';
    this.onStalled(sessionId, this.lastSeqs.get(sessionId) ?? 0);
  }
}

function joined(waiting: Waiting['frame'], next: SessionFrame): WireEvent | undefined {
  if (waiting.type === 'live' || waiting.type === 'snapshot') return undefined;
  return next.type === 'live' || next.type === 'snapshot' ? undefined : mergeEvents(waiting, next);
}
