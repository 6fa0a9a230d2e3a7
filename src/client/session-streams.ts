import { GantryClientError } from './client-error.js';
import type { StreamItem } from './decode-server-text.js';
import { EventCursor } from './event-cursor.js';
import type { Acceptance } from './event-cursor.js';
import type { AckResult, RequestFrame } from './request-table.js';

interface Group {
  readonly cursors: Set<EventCursor>;
  /** Events are heard only in `following`: before the ack they are of an older subscription. */
  state: 'detached' | 'subscribing' | 'following';
  /** Tells a late answer from the present one. */
  epoch: number;
  /** Where the last gap was; a second one at the same place cannot be mended by asking again. */
  gapAt: number | undefined;
}

/** Before a subscription is tried again that a busy server did not grant. */
const RETRY_MS = 1_000;

export interface StreamRequests {
  readonly isOpen: boolean;
  request(frame: RequestFrame, onAck?: () => void): Promise<AckResult>;
}

/**
 * Who reads which session. The server has one subscription a session and connection; it starts at the
 * reader that is furthest behind, and each reader drops what it has had.
 */
export class SessionStreams {
  private readonly groups = new Map<string, Group>();

  constructor(private readonly requests: StreamRequests) {}

  /** Ends with the signal, with an error of the server, or by `return`. */
  async *read(sessionId: string, afterSeq: number, signal?: AbortSignal): AsyncGenerator<StreamItem> {
    const cursor = new EventCursor(afterSeq, () => this.subscribe(sessionId));
    const onAbort = () => cursor.finish();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) cursor.finish();
    this.add(sessionId, cursor);
    try {
      for (let item = await cursor.next(); item !== undefined; item = await cursor.next()) yield item;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.remove(sessionId, cursor);
    }
  }

  onOpen(): void {
    for (const sessionId of this.groups.keys()) this.subscribe(sessionId);
  }

  onLost(): void {
    for (const group of this.groups.values()) {
      group.state = 'detached';
      group.epoch += 1;
    }
  }

  receive(sessionId: string, item: StreamItem): void {
    this.deliver(sessionId, (cursor) => cursor.accept(item));
  }

  skip(sessionId: string, firstSeq: number, seq: number): void {
    this.deliver(sessionId, (cursor) => cursor.skip(firstSeq, seq));
  }

  failAll(error: GantryClientError): void {
    for (const group of this.groups.values()) for (const cursor of group.cursors) cursor.finish(error);
    this.groups.clear();
  }

  private add(sessionId: string, cursor: EventCursor): void {
    const group = this.groups.get(sessionId) ?? {
      cursors: new Set<EventCursor>(),
      state: 'detached' as const,
      epoch: 0,
      gapAt: undefined,
    };
    group.cursors.add(cursor);
    this.groups.set(sessionId, group);
    this.subscribe(sessionId);
  }

  private remove(sessionId: string, cursor: EventCursor): void {
    const group = this.groups.get(sessionId);
    if (group === undefined || !group.cursors.delete(cursor) || group.cursors.size > 0) return;
    this.groups.delete(sessionId);
    if (this.requests.isOpen && group.state !== 'detached') this.leave(sessionId);
  }

  private subscribe(sessionId: string): void {
    const group = this.groups.get(sessionId);
    if (group === undefined || !this.requests.isOpen) return;
    if (group.state !== 'detached') this.leave(sessionId);
    group.epoch += 1;
    const { epoch } = group;
    group.state = 'subscribing';
    const afterSeq = Math.min(...[...group.cursors].map((cursor) => cursor.afterSeq));
    this.requests
      .request({ type: 'session.subscribe', session_id: sessionId, after_seq: afterSeq }, () => {
        if (group.epoch === epoch) group.state = 'following';
      })
      .catch((error: unknown) => {
        if (group.epoch !== epoch || isLost(error)) return;
        if (isPassing(error)) setTimeout(() => this.retry(sessionId, group, epoch), RETRY_MS);
        else this.fail(sessionId, error);
      });
  }

  private retry(sessionId: string, group: Group, epoch: number): void {
    if (this.groups.get(sessionId) === group && group.epoch === epoch) this.subscribe(sessionId);
  }

  private leave(sessionId: string): void {
    this.requests.request({ type: 'session.unsubscribe', session_id: sessionId }).catch(() => undefined);
  }

  private deliver(sessionId: string, give: (cursor: EventCursor) => Acceptance): void {
    const group = this.groups.get(sessionId);
    if (group?.state !== 'following') return;
    for (const cursor of group.cursors) {
      if (give(cursor) === 'taken') continue;
      if (group.gapAt === cursor.afterSeq) {
        const message = `The server left out what follows seq ${cursor.afterSeq}.`;
        this.fail(sessionId, new GantryClientError('protocol', message));
      } else {
        group.gapAt = cursor.afterSeq;
        this.subscribe(sessionId);
      }
      return;
    }
  }

  private fail(sessionId: string, error: unknown): void {
    const group = this.groups.get(sessionId);
    this.groups.delete(sessionId);
    const known =
      error instanceof GantryClientError ? error : new GantryClientError('protocol', String(error));
    for (const cursor of group?.cursors ?? []) cursor.finish(known);
  }
}

/** A lost connection is no failure of the stream: it goes on with the next one. */
function isLost(error: unknown): boolean {
  return error instanceof GantryClientError && error.kind === 'connection_lost';
}

/** A server that is slow or whose database is away for a moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof GantryClientError)) return false;
  const type = error.error?.type;
  return error.kind === 'timeout' || type === 'api_error' || type === 'rate_limit_error';
}
