import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { eventFrame, EventStreamResponse } from '../event-stream-response.js';
import { bridgeGaps, type SnapshotMarker } from '../events/bridge-gaps.js';
import { EventLog } from '../events/event-log.js';
import type { LiveMarker } from '../events/event-log.js';
import type { GantryEvent } from '../events/event.js';
import { departureOf } from '../departure.js';
import type { ReadEventsRequest } from './session-request.js';
import { SessionTransferService } from './session-transfer.service.js';
import { SessionService } from './session.service.js';

/** `next_after_seq` is what to ask for next; there is more now if `has_more`. */
export interface EventPage {
  readonly object: 'list';
  readonly data: readonly GantryEvent[];
  readonly has_more: boolean;
  readonly next_after_seq: number;
}

/** A session's log over HTTP: in pages, or as server-sent events that follow it. */
@Injectable()
export class SessionEventsService implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(
    private readonly sessions: SessionService,
    private readonly transfer: SessionTransferService,
    private readonly log: EventLog,
  ) {}

  /** Streams have no end of their own; without this the server would wait for its readers. */
  onModuleDestroy(): void {
    this.closing.abort();
  }

  async page(principal: string, sessionId: string, request: ReadEventsRequest): Promise<EventPage> {
    const { lastSeq } = await this.sessions.requireOwned(principal, sessionId);
    const data = await this.log.read(sessionId, request.after_seq, request.limit);
    const next = data.at(-1)?.seq ?? request.after_seq;
    // A short page was the last, whatever the counter says: events of a session that was replaced are gone.
    const hasMore = data.length === request.limit && next < Number(lastSeq);
    return { object: 'list', data, has_more: hasMore, next_after_seq: next };
  }

  /** Resolves when the client went away or the server closes. Rejects only before the response has begun. */
  async stream(
    principal: string,
    sessionId: string,
    afterSeq: number,
    response: ServerResponse,
  ): Promise<void> {
    const { lastSeq } = await this.sessions.requireOwned(principal, sessionId);
    const signal = AbortSignal.any([departureOf(response), this.closing.signal]);
    const stream = new EventStreamResponse(response);
    stream.open();
    try {
      const items = this.log.subscribe(sessionId, afterSeq, signal);
      const reading = { sessionId, afterSeq, lastSeq: Number(lastSeq), items };
      for await (const item of bridgeGaps(reading, () => this.snapshot(principal, sessionId))) {
        await stream.write(toFrame(item), signal);
      }
      stream.close();
    } catch {
      // The reader comes back with Last-Event-ID; nothing else can be said in a stream that has begun.
      stream.destroy();
    }
  }

  private async snapshot(principal: string, sessionId: string) {
    const session = await this.transfer.export(principal, sessionId);
    return { seq: session.last_seq, session };
  }
}

/** Events are unnamed and carry their seq as id. A snapshot is named and carries one too, `live` is named only. */
function toFrame(item: GantryEvent | LiveMarker | SnapshotMarker): string {
  const data = JSON.stringify(item);
  switch (item.type) {
    case 'live':
      return eventFrame(data, { name: 'live' });
    case 'snapshot':
      return eventFrame(data, { name: 'snapshot', id: item.seq });
    default:
      return eventFrame(data, { id: item.seq });
  }
}
