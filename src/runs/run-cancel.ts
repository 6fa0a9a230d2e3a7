import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { EventBus } from '../events/event-bus.js';
import { type AppendEvents, EventLog } from '../events/event-log.js';
import { endRun } from './end-run.js';
import { enqueueNext } from './enqueue-next.js';
import { RunQueue } from './run-queue.js';
import type { CancelKeys } from './run-request.js';
import type { RunState } from './run-state.js';

const STASH_SECONDS = 30;

interface OpenRun {
  id: string;
  session_id: string;
  state: RunState;
}

/** Cancel and register look at the same key one after the other, so neither can slip by the other. */
export async function lockCancelId(manager: EntityManager, owner: string, cancelId: string): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
    `cancel ${owner} ${cancelId}`,
  ]);
}

/** Whether a cancel for this id came before its run did; takes it. */
export async function takeStashedCancel(
  manager: EntityManager,
  owner: string,
  cancelId: string,
): Promise<boolean> {
  const [rows] = await manager.query<[{ live: boolean }[], number]>(
    `DELETE FROM cancel_stash WHERE owner = $1 AND cancel_id = $2 RETURNING expires_at > now() AS live`,
    [owner, cancelId],
  );
  return rows.some(({ live }) => live);
}

/** Stops runs wherever they are: queued, waiting, or under way in any process. */
@Injectable()
export class RunCancel {
  constructor(
    private readonly log: EventLog,
    private readonly queue: RunQueue,
  ) {}

  /**
   * With `cancel_id`: that run and nothing else, and when it is not known yet the cancel waits 30 s for it.
   * Otherwise the other keys match as a union. No keys cancels nothing. Returns the runs' ids.
   */
  async cancel(owner: string, keys: CancelKeys): Promise<{ cancelled: string[] }> {
    const { cancel_id: cancelId } = keys;
    return this.log.transaction(async (manager, append) => {
      if (cancelId !== undefined) await lockCancelId(manager, owner, cancelId);
      const runs = await findOpenRuns(manager, owner, keys);
      if (cancelId !== undefined && runs.length === 0) await stash(manager, owner, cancelId);
      for (const run of runs) await this.stop(manager, append, run, owner);
      return { cancelled: runs.map((run) => run.id) };
    });
  }

  /** A run under way is told; any other ends here. */
  private async stop(manager: EntityManager, append: AppendEvents, run: OpenRun, by: string): Promise<void> {
    const { id: runId, session_id: sessionId } = run;
    await manager.query(`UPDATE runs SET cancel_requested_by = $2 WHERE id = $1`, [runId, by]);
    if (run.state === 'running') {
      await manager.query(EventBus.signalSql('cancel_run'), [runId]);
      return;
    }
    await append(sessionId, runId, await endRun(manager, { runId, sessionId }, { type: 'cancel' }));
    await enqueueNext(manager, this.queue, sessionId);
  }
}

function findOpenRuns(manager: EntityManager, owner: string, keys: CancelKeys): Promise<OpenRun[]> {
  const open = `SELECT id, session_id, state FROM runs WHERE owner = $1
    AND state IN ('queued', 'running', 'waiting_approval', 'waiting_client')`;
  if (keys.cancel_id !== undefined) {
    return manager.query<OpenRun[]>(`${open} AND cancel_id = $2 FOR UPDATE`, [owner, keys.cancel_id]);
  }
  return manager.query<OpenRun[]>(
    `${open} AND (id = ANY ($2) OR session_id = $3 OR message_id = $4) ORDER BY id FOR UPDATE`,
    [
      owner,
      [keys.run_id, keys.completion_id].filter((id) => id !== undefined),
      keys.session_id ?? null,
      keys.message_id ?? null,
    ],
  );
}

async function stash(manager: EntityManager, owner: string, cancelId: string): Promise<void> {
  await manager.query(
    `INSERT INTO cancel_stash (owner, cancel_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
     ON CONFLICT (owner, cancel_id) DO UPDATE SET expires_at = EXCLUDED.expires_at`,
    [owner, cancelId, STASH_SECONDS],
  );
}
