import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { TICKET_SUBPROTOCOL_PREFIX } from './ticket-subprotocol.js';
import { ApiKeyService } from './api-key.service.js';
import type { Principal } from './principal.js';
import { TicketService } from './ticket.service.js';

/** What a request shows to say who it is; at most one is looked at. */
export type Credential =
  { readonly type: 'api_key'; readonly key: string } | { readonly type: 'ticket'; readonly ticket: string };

/**
 * `Authorization: Bearer`, else `x-api-key`, else, on a WebSocket handshake only, the subprotocol
 * `gantry.ticket.<ticket>`. Query strings are never looked at: they end up in logs and histories.
 */
export function credentialOf(headers: IncomingHttpHeaders): Credential | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return { type: 'api_key', key: bearer };
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string' && apiKey !== '') return { type: 'api_key', key: apiKey };
  if (headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const carrier = offered.find((protocol) => protocol.startsWith(TICKET_SUBPROTOCOL_PREFIX));
  return carrier === undefined
    ? undefined
    : { type: 'ticket', ticket: carrier.slice(TICKET_SUBPROTOCOL_PREFIX.length) };
}

/** The one place where a request becomes a principal, for HTTP and for the WebSocket handshake. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly apiKeys: ApiKeyService,
    private readonly tickets: TicketService,
  ) {}

  /** Undefined: no credential, or one that does not hold. Redeems the ticket it is given. */
  async authenticate(headers: IncomingHttpHeaders): Promise<Principal | undefined> {
    const credential = credentialOf(headers);
    if (credential === undefined) return undefined;
    switch (credential.type) {
      case 'api_key':
        return this.apiKeys.verify(credential.key);
      case 'ticket':
        return this.tickets.redeem(credential.ticket);
      default:
        return credential satisfies never;
    }
  }
}
