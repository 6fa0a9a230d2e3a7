import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { DataSource, type EntityManager } from 'typeorm';
import { storableJson, storableText } from '../database/safe-json.js';
import { ENGINE, type Engine } from '../engine/engine.js';
import { DomainError } from '../errors.js';
import { type AppendEvents, EventLog } from '../events/event-log.js';
import type { EventPayload } from '../events/event.js';
import { newId } from '../ids.js';
import type { StoredFile } from '../files/file.entity.js';
import { Attachments, type UploadedMedia } from '../files/attachments.js';
import { checkModelOptions } from './check-model.js';
import { checkTokenOutputs } from './check-token-outputs.js';
import { endRun } from './end-run.js';
import { lockCancelId, takeStashedCancel } from './run-cancel.js';
import { RunQueue } from './run-queue.js';
import type { RunOptions } from './run-request.js';
import type { RunKind } from './run-state.js';
import type { RunView } from './run-view.js';
import { type RunRecord, toRunView } from './to-run-view.js';

export interface NewRun {
  readonly owner: string;
  /** The session's id; one that is made for the run is made in its creating transaction. */
  openSession(manager: EntityManager): Promise<string>;
  readonly kind: RunKind;
  readonly options: RunOptions;
  readonly requestHash: string;
  readonly cancelId: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The user's text; undefined where a chat run goes on from what the session has. */
  readonly input: string | undefined;
  /** What the user's message shows; absent: nothing. */
  readonly media?: readonly UploadedMedia[];
  /** Uploads that it shows besides. */
  readonly shownFileIds?: readonly string[];
  /** What else the run starts from, in its creating transaction; returns the events. */
  begin(manager: EntityManager, runId: string, sessionId: string): Promise<readonly EventPayload[]>;
}

export interface CreatedRun {
  readonly run: RunView;
  /** False: the same `idempotency_key` came before, and this is the run it made. */
  readonly created: boolean;
}

/** Equal for requests that ask the same, whatever the order of their fields. */
export function hashRequest(request: unknown): string {
  return createHash('sha256')
    .update(canonicalize(request) ?? '')
    .digest('hex');
}

/** Registers runs: row, first events, job and a cancel that came early are one transaction. */
@Injectable()
export class RunCreation {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly queue: RunQueue,
    @Inject(ENGINE) private readonly engine: Engine,
    private readonly attachments: Attachments,
  ) {}

  /** Rejects with `not_found` for a model that is not here, `conflict` for a `cancel_id` that is taken. */
  async insert(run: NewRun): Promise<CreatedRun> {
    checkModelOptions(this.engine, run.options);
    checkTokenOutputs(run.options);
    const shown = await this.attachments.requireShowable(run.owner, run.shownFileIds ?? []);
    try {
      const created = await this.log.transaction((manager, append) =>
        this.insertIn(manager, append, run, shown),
      );
      return { run: created, created: true };
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const known = await this.findByKey(run.owner, run.idempotencyKey, run.requestHash);
      if (known) return { run: known, created: false };
      throw new DomainError('conflict', 'An open run has this cancel_id already; choose another.', {
        param: 'cancel_id',
        reason: 'duplicate_cancel_id',
      });
    }
  }

  /** The run that the key made; rejects with `conflict` when it was another request's. */
  async findByKey(owner: string, key: string | undefined, requestHash: string): Promise<RunView | undefined> {
    if (key === undefined) return undefined;
    const [row] = await this.dataSource.query<RunRecord[]>(
      `SELECT * FROM runs WHERE owner = $1 AND idempotency_key = $2`,
      [owner, key],
    );
    if (row && row.request_hash !== requestHash) {
      throw new DomainError(
        'conflict',
        'This idempotency_key was used for another request; choose a new one.',
        {
          param: 'idempotency_key',
          reason: 'idempotency_key_reused',
        },
      );
    }
    return row && toRunView(row);
  }

  private async insertIn(
    manager: EntityManager,
    append: AppendEvents,
    run: NewRun,
    shown: readonly StoredFile[],
  ): Promise<RunView> {
    const id = newId('run');
    const messageId = run.input === undefined ? null : newId('msg');
    if (run.cancelId !== undefined) await lockCancelId(manager, run.owner, run.cancelId);
    const sessionId = await run.openSession(manager);
    const fileIds = [
      ...(await this.attachments.keep(manager, run.owner, sessionId, run.media ?? [])),
      ...(await this.attachments.copy(manager, run.owner, sessionId, shown)),
    ];
    await insertRow(manager, { id, sessionId, messageId, fileIds }, run);
    if (run.kind === 'chat') await takeSteering(manager, sessionId, id);
    const message = messageId === null ? [] : [userMessage(messageId, run.input ?? '', fileIds)];
    const position = await countAhead(manager, sessionId, id);
    const events = await run.begin(manager, id, sessionId);
    await append(sessionId, id, [...message, ...events, { type: 'run_queued', position }]);
    if (run.cancelId !== undefined && (await takeStashedCancel(manager, run.owner, run.cancelId))) {
      await append(sessionId, id, await endRun(manager, { runId: id, sessionId }, { type: 'cancel' }));
    } else {
      await this.queue.enqueue(manager, id);
    }
    const [row] = await manager.query<RunRecord[]>(`SELECT * FROM runs WHERE id = $1`, [id]);
    if (!row) throw new Error(`Run ${id} was not inserted.`);
    return toRunView(row);
  }
}

function userMessage(id: string, text: string, fileIds: readonly string[]): EventPayload {
  const shown = fileIds.length === 0 ? {} : { file_ids: [...fileIds] };
  return { type: 'message', message_id: id, role: 'user', content: storableText(text), ...shown };
}

async function insertRow(
  manager: EntityManager,
  ids: {
    readonly id: string;
    readonly sessionId: string;
    readonly messageId: string | null;
    readonly fileIds: readonly string[];
  },
  run: NewRun,
): Promise<void> {
  await manager.query(
    `INSERT INTO runs
       (id, session_id, owner, kind, state, options, input, message_id, cancel_id, idempotency_key, request_hash,
        input_file_ids)
     VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11)`,
    [
      ids.id,
      ids.sessionId,
      run.owner,
      run.kind,
      storableJson(run.options),
      run.input === undefined ? null : storableText(run.input),
      ids.messageId,
      run.cancelId ?? null,
      run.idempotencyKey ?? null,
      run.requestHash,
      ids.fileIds.length === 0 ? null : JSON.stringify(ids.fileIds),
    ],
  );
}

/** What steered a run that ended with calls for the client steers the one that goes on with their results. */
async function takeSteering(manager: EntityManager, sessionId: string, runId: string): Promise<void> {
  await manager.query(
    `UPDATE steering_messages SET run_id = $2
     WHERE run_id IN (SELECT id FROM runs WHERE session_id = $1 AND stop_reason = 'tool_calls')`,
    [sessionId, runId],
  );
}

/** Open runs of the session that came before. */
async function countAhead(manager: EntityManager, sessionId: string, runId: string): Promise<number> {
  const [row] = await manager.query<{ position: number }[]>(
    `SELECT count(*)::integer AS position FROM runs WHERE session_id = $1 AND id <> $2
     AND state IN ('queued', 'running', 'waiting_approval', 'waiting_client')`,
    [sessionId, runId],
  );
  return row?.position ?? 0;
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
