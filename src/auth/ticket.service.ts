import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from './principal.js';
import { hashSecret, newSecret } from './secret.js';

const LIFETIME_SECONDS = 30;
const MAX_TICKET_LENGTH = 128;

/** `expires_at` is ISO 8601. */
export interface IssuedTicket {
  readonly ticket: string;
  readonly expires_at: string;
}

/** Tickets stand in for the key where a browser cannot send a header: single use, 30 s. */
@Injectable()
export class TicketService {
  constructor(private readonly dataSource: DataSource) {}

  /** Sweeps expired tickets too, so that unused ones do not pile up. */
  async issue(principal: string): Promise<IssuedTicket> {
    const ticket = newSecret();
    await this.dataSource.query('DELETE FROM ws_tickets WHERE expires_at <= now()');
    const rows = await this.dataSource.query<{ expires_at: Date }[]>(
      `INSERT INTO ws_tickets (hash, principal, expires_at)
       VALUES ($1, $2, now() + make_interval(secs => $3)) RETURNING expires_at`,
      [hashSecret(ticket), principal, LIFETIME_SECONDS],
    );
    const expiresAt = rows[0]?.expires_at ?? new Date();
    return { ticket, expires_at: expiresAt.toISOString() };
  }

  /** Of any number of simultaneous redeemers exactly one gets the principal: the row is deleted by the reading. */
  async redeem(ticket: string): Promise<Principal | undefined> {
    if (ticket.length === 0 || ticket.length > MAX_TICKET_LENGTH) return undefined;
    const rows = await this.dataSource.query<{ principal: string; is_alive: boolean }[]>(
      `WITH redeemed AS (
         DELETE FROM ws_tickets WHERE hash = $1 RETURNING principal, expires_at > now() AS is_alive
       )
       SELECT principal, is_alive FROM redeemed`,
      [hashSecret(ticket)],
    );
    const [row] = rows;
    return row?.is_alive === true ? { name: row.principal, keyId: 'ticket' } : undefined;
  }
}
