import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { eventFrame, EventStreamResponse } from '../event-stream-response.js';
import { EventLog } from '../events/event-log.js';
import type { LiveMarker } from '../events/event-log.js';
import type { GantryEvent } from '../events/event.js';
import type { ReadEventsRequest } from './session-request.js';
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
    return { object: 'list', data, has_more: next < Number(lastSeq), next_after_seq: next };
  }

  /** Resolves when the client went away or the server closes. Rejects only before the response has begun. */
  async stream(
    principal: string,
    sessionId: string,
    afterSeq: number,
    response: ServerResponse,
  ): Promise<void> {
    await this.sessions.requireOwned(principal, sessionId);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.closing.signal]);
    const stream = new EventStreamResponse(response);
    stream.open();
    try {
      for await (const event of this.log.subscribe(sessionId, afterSeq, signal)) {
        await stream.write(toFrame(event), signal);
      }
      stream.close();
    } catch {
      // The reader comes back with Last-Event-ID; nothing else can be said in a stream that has begun.
      stream.destroy();
    }
  }
}

/** Events are unnamed and carry their seq as id; the `live` marker is named and carries none. */
function toFrame(event: GantryEvent | LiveMarker): string {
  return eventFrame(JSON.stringify(event), event.type === 'live' ? { name: 'live' } : { id: event.seq });
}
