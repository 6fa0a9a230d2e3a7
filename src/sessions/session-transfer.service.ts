import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { isRunOpen } from '../runs/run-state.js';
import { SessionTraces } from '../workspaces/session-traces.js';
import { HistoryRepository } from './history.repository.js';
import { lengthOfTurns } from './history-turns.js';
import { rebuildHistory } from './rebuild-history.js';
import { EXPORT_VERSION } from './session-export.js';
import type { ExportedMessage, SerializedSession, SessionHistory } from './session-export.js';
import { SessionFilesService } from './session-files.service.js';
import type { ForkSessionRequest, SessionView } from './session-request.js';
import { SessionRepository } from './session.repository.js';
import { SessionService, sessionNotFound, toSessionView } from './session.service.js';

/** A kept id must be one that nobody can guess, so that asking for it tells nothing about others. */
const SESSION_ID = /^sess_[0-9a-f]{32}$/;

/** Sessions out, in, and into another: messages, calls, files and working directory as one piece. */
@Injectable()
export class SessionTransferService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionService,
    private readonly repository: SessionRepository,
    private readonly history: HistoryRepository,
    private readonly files: SessionFilesService,
    private readonly traces: SessionTraces,
  ) {}

  /** As of one moment, also while a run is open. */
  async export(principal: string, sessionId: string): Promise<SerializedSession> {
    const { session, history } = await this.dataSource.transaction('REPEATABLE READ', async (manager) => ({
      session: await this.sessions.requireOwned(principal, sessionId, manager),
      history: await this.history.read(sessionId, manager),
    }));
    return {
      object: 'session.export',
      version: EXPORT_VERSION,
      session: toSessionView(session),
      last_seq: Number(session.lastSeq),
      ...history,
      files: await this.files.export(sessionId),
    };
  }

  /**
   * Replaces the principal's own idle session, or makes one under a free id. Someone else's id is
   * `not_found`; a body that is no whole session is `invalid_request` with reason `bad_export`.
   */
  async import(
    principal: string,
    sessionId: string,
    body: SerializedSession,
  ): Promise<{ session: SessionView; created: boolean }> {
    if (!SESSION_ID.test(sessionId)) {
      throw new DomainError(
        'invalid_request',
        'A session id is `sess_` and 32 lower-case hexadecimal digits.',
        {
          reason: 'invalid_session_id',
          param: 'session_id',
        },
      );
    }
    this.sessions.requireProfile(body.session.sandbox_profile);
    this.sessions.requireEgress(body.session.egress);
    const created = await this.dataSource.transaction(async (manager) => {
      const made = await this.makeRoom(principal, sessionId, body, manager);
      const fileIds = await this.files.import(principal, sessionId, body.files, manager);
      await this.history.write(principal, sessionId, rebuildHistory({ ...body, fileIds }), manager);
      return made;
    });
    if (!created) await this.traces.end(sessionId);
    return { session: toSessionView(await this.sessions.requireOwned(principal, sessionId)), created };
  }

  /** A new session with the first `turn` turns and the working directory as it is now. */
  async fork(principal: string, sessionId: string, request: ForkSessionRequest): Promise<SessionView> {
    const id = newId('sess');
    await this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const source = await this.sessions.requireOwned(principal, sessionId, manager);
      const kept = keepTurns(await this.history.read(sessionId, manager), request.turn);
      await this.repository.insert(
        {
          id,
          owner: principal,
          title: request.title ?? source.title,
          systemPrompt: source.systemPrompt,
          sandboxProfile: source.sandboxProfile,
          egress: source.egress,
          parentId: sessionId,
          ephemeral: false,
        },
        manager,
      );
      const named = [...kept.tool_calls, ...kept.messages].flatMap(({ file_ids }) => file_ids);
      const fileIds = await this.files.copy(sessionId, id, named, manager);
      await this.history.write(principal, id, rebuildHistory({ ...kept, fileIds }), manager);
    });
    return toSessionView(await this.sessions.requireOwned(principal, id));
  }

  /** True when the session was made now; an own one is emptied instead. */
  private async makeRoom(
    principal: string,
    sessionId: string,
    { session }: SerializedSession,
    manager: EntityManager,
  ): Promise<boolean> {
    const { title, system_prompt: systemPrompt, sandbox_profile: sandboxProfile, egress } = session;
    const row = {
      id: sessionId,
      owner: principal,
      title,
      systemPrompt,
      sandboxProfile,
      egress,
      parentId: null,
      ephemeral: false,
    };
    if (await this.repository.insert(row, manager)) return true;
    if ((await this.repository.find(principal, sessionId, manager)) === null)
      throw sessionNotFound(sessionId);
    await this.sessions.requireIdle(principal, sessionId, manager);
    await this.files.remove(sessionId, manager);
    await this.history.clear(sessionId, manager);
    await this.repository.change(
      principal,
      sessionId,
      { title, systemPrompt, sandboxProfile, egress },
      manager,
    );
    return false;
  }
}

/** The first `turns` turns with the runs and calls that belong to them; all without a number. */
function keepTurns(history: SessionHistory, turns: number | undefined): SessionHistory {
  const messages: readonly ExportedMessage[] =
    turns === undefined
      ? history.messages
      : history.messages.slice(0, lengthOfTurns(history.messages, turns));
  const keptRuns = new Set(messages.flatMap((message) => message.run_id ?? []));
  const runs = history.runs.filter(
    (run) => keptRuns.has(run.id) || (turns === undefined && !isRunOpen(run.state)),
  );
  const open = runs.find((run) => isRunOpen(run.state));
  if (open !== undefined) {
    throw new DomainError(
      'conflict',
      `The run ${open.id} of the last turn is not over: wait for it, cancel it, or fork at an earlier turn.`,
      { reason: 'session_busy', param: 'turn', details: { run_id: open.id } },
    );
  }
  const runIds = new Set(runs.map((run) => run.id));
  return {
    messages: [...messages],
    runs,
    tool_calls: history.tool_calls.filter((call) => runIds.has(call.run_id)),
  };
}
