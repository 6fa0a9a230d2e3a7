import { Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { DataSource } from 'typeorm';
import { storableText } from '../database/safe-json.js';
import { DomainError } from '../errors.js';
import { EventLog } from '../events/event-log.js';
import { newId } from '../ids.js';
import { SessionService } from '../sessions/session.service.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import { WorkspaceService } from '../workspaces/workspace.service.js';
import { CallJournal } from './call-journal.js';
import { checkClientTools, requireTool } from './check-tools.js';
import { ClientToolResults } from './client-tool-results.js';
import { checkContextOverflow } from './context-overflow.js';
import { RunCancel } from './run-cancel.js';
import { type CreatedRun, hashRequest, RunCreation } from './run-creation.js';
import {
  type CancelKeys,
  type CreateRunRequest,
  type InvokeToolRequest,
  runOptionsSchema,
  type ToolResultSubmission,
} from './run-request.js';
import { identifyTool, isClientTool } from './run-tools.js';
import type { RunView } from './run-view.js';
import { type RunRecord, toRunView } from './to-run-view.js';

/** What the service works with, as one injected value. */
@Injectable()
export class RunServiceParts {
  constructor(
    readonly creation: RunCreation,
    readonly sessions: SessionService,
    readonly workspaces: WorkspaceService,
    readonly registry: ToolRegistry,
    readonly cancels: RunCancel,
    readonly clientResults: ClientToolResults,
  ) {}
}

/** Runs as clients see them: made, looked up, steered, cancelled. Working them is the worker's. */
@Injectable()
export class RunService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly parts: RunServiceParts,
  ) {}

  /** A user message to be worked. Rejects with DomainError: unknown session, files, tools that clash. */
  async create(owner: string, request: CreateRunRequest): Promise<CreatedRun> {
    const { session_id, input, file_ids, show_file_ids, cancel_id, idempotency_key, ...options } = request;
    const { creation, sessions, workspaces, registry } = this.parts;
    checkClientTools(registry, options);
    checkContextOverflow(options);
    const requestHash = hashRequest(request);
    const known = await creation.findByKey(owner, idempotency_key, requestHash);
    if (known) return { run: known, created: false };
    if (session_id !== undefined) await sessions.requireOwned(owner, session_id);
    // Files need a session to lie in before the run begins.
    const sessionId = file_ids?.length ? (session_id ?? (await sessions.create(owner, {})).id) : session_id;
    if (sessionId !== undefined && file_ids?.length) await workspaces.mount(sessionId, owner, file_ids);
    return creation.insert({
      owner,
      openSession: async (manager) => {
        if (sessionId === undefined) return (await sessions.create(owner, {}, manager)).id;
        await sessions.keep(sessionId, manager);
        return sessionId;
      },
      kind: 'chat',
      options: runOptionsSchema.parse(options),
      requestHash,
      cancelId: cancel_id,
      idempotencyKey: idempotency_key,
      input,
      shownFileIds: show_file_ids ?? [],
      begin: () => Promise.resolve([]),
    });
  }

  /** A person runs a tool in the session, under the same policy, limits and events as the model's calls. */
  async invokeTool(owner: string, request: InvokeToolRequest): Promise<CreatedRun> {
    const { session_id: sessionId, name, arguments: args, cancel_id, idempotency_key, ...rest } = request;
    const { creation, sessions, registry } = this.parts;
    requireTool(registry, name, args);
    await sessions.requireOwned(owner, sessionId);
    const requestHash = hashRequest(request);
    const known = await creation.findByKey(owner, idempotency_key, requestHash);
    if (known) return { run: known, created: false };
    const options = runOptionsSchema.parse(rest);
    const calls = new CallJournal({
      identify: (tool) => identifyTool(registry, options, tool),
      isClientTool: (tool) => isClientTool(options, tool),
      approvalTimeoutMs: () => null,
    });
    return creation.insert({
      owner,
      openSession: async (manager) => {
        await sessions.keep(sessionId, manager);
        return sessionId;
      },
      kind: 'tool',
      options,
      requestHash,
      cancelId: cancel_id,
      idempotencyKey: idempotency_key,
      input: undefined,
      begin: (manager, runId) => {
        const call = { id: newId('call'), name, arguments: canonicalize(args) ?? '{}' };
        return calls.propose(manager, { runId, sessionId, generation: 0 }, 0, [call]);
      },
    });
  }

  async get(owner: string, runId: string): Promise<RunView> {
    const rows = await this.dataSource.query<RunRecord[]>(`SELECT * FROM runs WHERE id = $1 AND owner = $2`, [
      runId,
      owner,
    ]);
    return toRunView(found(rows, runId));
  }

  /** The session's runs, oldest first. */
  async list(owner: string, sessionId: string): Promise<RunView[]> {
    await this.parts.sessions.requireOwned(owner, sessionId);
    const rows = await this.dataSource.query<RunRecord[]>(
      `SELECT * FROM runs WHERE session_id = $1 ORDER BY created_at, id`,
      [sessionId],
    );
    return rows.map(toRunView);
  }

  cancel(owner: string, keys: CancelKeys): Promise<{ cancelled: string[] }> {
    return this.parts.cancels.cancel(owner, keys);
  }

  /** Queues a user message for the run's next round. */
  async steer(owner: string, runId: string, text: string): Promise<void> {
    await this.log.transaction(async (manager) => {
      const rows = await manager.query<RunRecord[]>(
        `SELECT * FROM runs WHERE id = $1 AND owner = $2 FOR UPDATE`,
        [runId, owner],
      );
      const run = found(rows, runId);
      if (run.kind === 'tool' || run.finished_at !== null) {
        throw new DomainError(
          'conflict',
          'Only a chat run that has not ended can be steered; send a new message.',
          {
            param: 'run_id',
            reason: 'run_not_open',
          },
        );
      }
      await manager.query(`INSERT INTO steering_messages (id, run_id, text) VALUES ($1, $2, $3)`, [
        newId('msg'),
        runId,
        storableText(text),
      ]);
    });
  }

  /** The client's answer to a call of one of its own functions. */
  submitToolResult(owner: string, submission: ToolResultSubmission): Promise<void> {
    return this.parts.clientResults.submit(owner, submission);
  }
}

function found(rows: readonly RunRecord[], runId: string): RunRecord {
  const [row] = rows;
  if (row) return row;
  throw new DomainError('not_found', `There is no run ${runId}.`, {
    param: 'run_id',
    reason: 'run_not_found',
  });
}
