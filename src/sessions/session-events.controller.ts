import type { ServerResponse } from 'node:http';
import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../auth/current-principal.js';
import type { Principal } from '../auth/principal.js';
import { DomainError } from '../errors.js';
import { SessionEventsService } from './session-events.service.js';
import { readEventsSchema } from './session-request.js';
import type { ReadEventsRequest } from './session-request.js';

interface JsonResponse extends ServerResponse {
  json(body: unknown): void;
}

@Controller('v1/sessions/:id/events')
export class SessionEventsController {
  constructor(private readonly events: SessionEventsService) {}

  @Get()
  async read(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Query({ schema: readEventsSchema }) request: ReadEventsRequest,
    @Headers() headers: Record<string, string | undefined>,
    @Res() response: JsonResponse,
  ): Promise<void> {
    if (!wantsEventStream(headers['accept'])) {
      response.json(await this.events.page(principal.name, id, request));
      return;
    }
    const afterSeq = lastEventId(headers['last-event-id']) ?? request.after_seq;
    await this.events.stream(principal.name, id, afterSeq, response);
  }
}

function wantsEventStream(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('text/event-stream') ?? false;
}

/** What a reader that reconnects has seen goes before what its URL says. */
function lastEventId(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  throw new DomainError('invalid_request', '`Last-Event-ID`: expected the seq of an event.', {
    reason: 'invalid_value',
    param: 'last-event-id',
  });
}
