import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { requireSandboxProfile } from './sandbox-profile-check.js';
import { requireSessionHosts } from '../sandbox/egress/session-hosts.js';
import { SessionTraces } from '../workspaces/session-traces.js';
import { decodeCursor, encodeCursor } from './session-cursor.js';
import type {
  CreateSessionRequest,
  ListSessionsRequest,
  SessionPage,
  SessionView,
  UpdateSessionRequest,
} from './session-request.js';
import { SessionFilesService } from './session-files.service.js';
import type { Session } from './session.entity.js';
import { SessionRepository } from './session.repository.js';

/** Sessions of one principal. An id is no credential: another's session is `not_found`, as if it were not there. */
@Injectable()
export class SessionService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionRepository,
    private readonly files: SessionFilesService,
    private readonly traces: SessionTraces,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** In the caller's transaction if one is given. */
  async create(
    principal: string,
    request: CreateSessionRequest,
    manager?: EntityManager,
  ): Promise<SessionView> {
    this.requireProfile(request.sandbox_profile);
    this.requireEgress(request.egress ?? []);
    const id = newId('sess');
    await this.sessions.insert(
      {
        id,
        owner: principal,
        title: request.title ?? null,
        systemPrompt: request.system_prompt ?? null,
        sandboxProfile: request.sandbox_profile ?? null,
        egress: request.egress ?? [],
        parentId: null,
        ephemeral: false,
      },
      manager,
    );
    return toSessionView(await this.requireOwned(principal, id, manager));
  }

  /** A session made for one request is somebody's now. */
  async keep(sessionId: string, manager: EntityManager): Promise<void> {
    await this.sessions.keep(sessionId, manager);
  }

  /** Throws `invalid_request` for a sandbox profile that this server does not have. */
  requireProfile(name: string | null | undefined): void {
    requireSandboxProfile(name, this.config.sandbox.profileNames);
  }

  /** Throws `invalid_request` for hosts that are none, or that this server allows no sandbox to reach. */
  requireEgress(hosts: readonly string[]): void {
    requireSessionHosts(hosts, this.config.sandbox.egress.hosts);
  }

  /** Throws `not_found` for an unknown id and for someone else's. */
  async requireOwned(principal: string, sessionId: string, manager?: EntityManager): Promise<Session> {
    const session = await this.sessions.find(principal, sessionId, manager);
    if (session === null) throw sessionNotFound(sessionId);
    return session;
  }

  /** The same, holding the row until the caller's transaction ends; throws `conflict` while a run is open. */
  async requireIdle(principal: string, sessionId: string, manager: EntityManager): Promise<Session> {
    const session = await this.sessions.lock(principal, sessionId, manager);
    if (session === null) throw sessionNotFound(sessionId);
    const [openRun] = await this.sessions.openRunIds(sessionId, manager);
    if (openRun === undefined) return session;
    throw new DomainError(
      'conflict',
      `The run ${openRun} of this session is not over: wait for it or cancel it first.`,
      {
        reason: 'session_busy',
        details: { run_id: openRun },
      },
    );
  }

  async list(principal: string, request: ListSessionsRequest): Promise<SessionPage> {
    const after = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
    const found = await this.sessions.page(principal, request.limit, after);
    const shown = found.slice(0, request.limit);
    const last = found.length > shown.length ? shown.at(-1) : undefined;
    return {
      object: 'list',
      data: shown.map(({ session }) => toSessionView(session)),
      has_more: last !== undefined,
      next_cursor: last === undefined ? null : encodeCursor(last.cursor),
    };
  }

  async update(principal: string, sessionId: string, request: UpdateSessionRequest): Promise<SessionView> {
    const change = { title: request.title, systemPrompt: request.system_prompt };
    const session = await this.sessions.change(principal, sessionId, change);
    if (session === null) throw sessionNotFound(sessionId);
    return toSessionView(session);
  }

  /** Throws `conflict` while a run is open: what it is doing would have nowhere to go. */
  async remove(principal: string, sessionId: string): Promise<void> {
    await this.removeIf(principal, sessionId, () => true);
  }

  /** The same for a session that is ephemeral and was last used before `since`; any other stays. */
  async removeUnused(principal: string, sessionId: string, since: Date): Promise<void> {
    await this.removeIf(principal, sessionId, (session) => session.ephemeral && session.updatedAt < since);
  }

  private async removeIf(
    principal: string,
    sessionId: string,
    isMeant: (session: Session) => boolean,
  ): Promise<void> {
    const removed = await this.dataSource.transaction(async (manager) => {
      if (!isMeant(await this.requireIdle(principal, sessionId, manager))) return false;
      await this.files.remove(sessionId, manager);
      await this.sessions.remove(sessionId, manager);
      return true;
    });
    if (removed) await this.traces.end(sessionId);
  }
}

export function sessionNotFound(sessionId: string): DomainError {
  return new DomainError('not_found', `There is no session ${sessionId.slice(0, 64)}.`, {
    reason: 'session_not_found',
    param: 'session_id',
  });
}

export function toSessionView(session: Session): SessionView {
  return {
    id: session.id,
    object: 'session',
    title: session.title,
    system_prompt: session.systemPrompt,
    sandbox_profile: session.sandboxProfile,
    egress: session.egress,
    parent_id: session.parentId,
    last_seq: Number(session.lastSeq),
    created_at: session.createdAt.toISOString(),
    updated_at: session.updatedAt.toISOString(),
  };
}
