import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { OPEN_RUN_STATES } from '../runs/run-state.js';
import type { SessionCursor } from './session-cursor.js';
import { Session } from './session.entity.js';

/** A new session's row; times and counters are the database's. */
export interface NewSession {
  readonly id: string;
  readonly owner: string;
  readonly title: string | null;
  readonly systemPrompt: string | null;
  readonly sandboxProfile: string | null;
  readonly egress: readonly string[];
  readonly parentId: string | null;
  /** Made for one request: unlisted, and removed some time after it was last used. */
  readonly ephemeral: boolean;
}

export interface SessionChange {
  readonly title?: string | null | undefined;
  readonly systemPrompt?: string | null | undefined;
  readonly sandboxProfile?: string | null | undefined;
  readonly egress?: readonly string[];
}

/** Every look-up takes the owner: another's row cannot be reached by mistake. */
@Injectable()
export class SessionRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(
    owner: string,
    id: string,
    manager: EntityManager = this.dataSource.manager,
  ): Promise<Session | null> {
    return manager.findOneBy(Session, { id, owner });
  }

  /** Holds the row until the transaction ends: no event, message or run is added meanwhile. */
  async lock(owner: string, id: string, manager: EntityManager): Promise<Session | null> {
    return manager.findOne(Session, { where: { id, owner }, lock: { mode: 'pessimistic_write' } });
  }

  /** False when the id is taken, by whomever. */
  async insert(session: NewSession, manager: EntityManager = this.dataSource.manager): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `INSERT INTO sessions (id, owner, title, system_prompt, sandbox_profile, parent_id, egress, ephemeral)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING id`,
      [
        session.id,
        session.owner,
        session.title,
        session.systemPrompt,
        session.sandboxProfile,
        session.parentId,
        JSON.stringify(session.egress),
        session.ephemeral,
      ],
    );
    return rows.length > 0;
  }

  /** From now on it is a session like any other. */
  async keep(id: string, manager: EntityManager): Promise<void> {
    await manager.query('UPDATE sessions SET ephemeral = false WHERE id = $1 AND ephemeral', [id]);
  }

  /** Sessions made for one request that nobody has used since, oldest first; none with an open run. */
  async unused(since: Date, limit: number): Promise<Pick<Session, 'id' | 'owner'>[]> {
    return this.dataSource.query(
      `SELECT id, owner FROM sessions WHERE ephemeral AND updated_at < $1
         AND NOT EXISTS (SELECT FROM runs WHERE session_id = sessions.id AND state = ANY($3))
       ORDER BY updated_at LIMIT $2`,
      [since, limit, OPEN_RUN_STATES],
    );
  }

  /** Most recently active first, one more than `limit` when there is a next page. */
  async page(
    owner: string,
    limit: number,
    after: SessionCursor | undefined,
  ): Promise<{ session: Session; cursor: SessionCursor }[]> {
    const rows = await this.dataSource.query<{ id: string; micros: string }[]>(
      `SELECT id, (extract(epoch FROM updated_at) * 1000000)::bigint AS micros FROM sessions
       WHERE owner = $1 AND NOT ephemeral AND ($2::bigint IS NULL
         OR (updated_at, id) < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3))
       ORDER BY updated_at DESC, id DESC LIMIT $4`,
      [owner, after?.updatedAtMicros ?? null, after?.id ?? null, limit + 1],
    );
    const sessions = await this.dataSource.manager
      .createQueryBuilder(Session, 'session')
      .where('session.id = ANY(:ids)', { ids: rows.map((row) => row.id) })
      .getMany();
    const byId = new Map(sessions.map((session) => [session.id, session]));
    return rows.flatMap((row) => {
      const session = byId.get(row.id);
      return session === undefined ? [] : [{ session, cursor: { updatedAtMicros: row.micros, id: row.id } }];
    });
  }

  async change(
    owner: string,
    id: string,
    change: SessionChange,
    manager: EntityManager = this.dataSource.manager,
  ): Promise<Session | null> {
    await manager.query(
      `UPDATE sessions SET updated_at = now(), ephemeral = false,
         title = CASE WHEN $3 THEN $4 ELSE title END,
         system_prompt = CASE WHEN $5 THEN $6 ELSE system_prompt END,
         sandbox_profile = CASE WHEN $7 THEN $8 ELSE sandbox_profile END,
         egress = coalesce($9::jsonb, egress)
       WHERE owner = $1 AND id = $2`,
      [
        owner,
        id,
        change.title !== undefined,
        change.title ?? null,
        change.systemPrompt !== undefined,
        change.systemPrompt ?? null,
        change.sandboxProfile !== undefined,
        change.sandboxProfile ?? null,
        change.egress === undefined ? null : JSON.stringify(change.egress),
      ],
    );
    return this.find(owner, id, manager);
  }

  /** The session must be locked, else a run may begin right after. */
  async openRunIds(id: string, manager: EntityManager): Promise<string[]> {
    const rows = await manager.query<{ id: string }[]>(
      'SELECT id FROM runs WHERE session_id = $1 AND state = ANY($2) ORDER BY created_at',
      [id, OPEN_RUN_STATES],
    );
    return rows.map((row) => row.id);
  }

  /** With its events, messages and runs; its files must be gone. */
  async remove(id: string, manager: EntityManager): Promise<void> {
    await manager.query('DELETE FROM sessions WHERE id = $1', [id]);
  }
}
