import type { Logger } from 'pino';
import type { ApprovalExpiry } from '../approvals/approval-expiry.js';
import { isTransientDatabaseError } from '../database/transient-error.js';
import type { EventLog } from '../events/event-log.js';
import { moveRun } from './move-run.js';
import { findOverdueRuns } from './overdue-runs.js';
import type { RunQueue } from './run-queue.js';
import type { RunWorker } from './run-worker.js';
import { isWorkerDead } from './worker-lease.js';

const SWEEP_EVERY_MS = 2000;
/** Sweeps between two looks for queued runs without a job. */
const FORGOTTEN_EVERY = 15;

/** Sees to what no message will come for: dead workers' runs, approvals past their time, missed cancels. */
export class RunSweeper {
  private timer: NodeJS.Timeout | undefined;
  private sweeps = 0;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly log: EventLog,
    private readonly queue: RunQueue,
    private readonly worker: RunWorker,
    private readonly expiry: ApprovalExpiry,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
  ) {}

  start(): void {
    const sweepAgain = () => {
      this.sweeping = this.sweep().finally(() => {
        if (this.timer) this.timer = setTimeout(sweepAgain, SWEEP_EVERY_MS);
      });
    };
    this.timer = setTimeout(sweepAgain, 0);
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    try {
      await this.requeueOrphans();
      if (this.sweeps === 0) await this.requeueWaiting();
      else if (this.sweeps % FORGOTTEN_EVERY === 0) await this.requeueForgotten();
      this.sweeps += 1;
      await this.expiry.expireOverdue();
      await this.deliverCancels();
      await this.log.transaction((manager) =>
        manager.query(`DELETE FROM cancel_stash WHERE expires_at < now()`),
      );
    } catch (error) {
      if (!isTransientDatabaseError(error)) this.logger.warn({ err: error }, 'A sweep failed.');
    }
  }

  /** Running by the table, but by nobody: the worker is dead, or it is this one and it let go. */
  private async requeueOrphans(): Promise<void> {
    const here = this.worker.activeRunIds();
    await this.log.transaction(async (manager) => {
      const running = await manager.query<{ id: string; worker_id: string }[]>(
        `SELECT id, worker_id FROM runs WHERE state = 'running' AND NOT (id = ANY ($1)) FOR UPDATE SKIP LOCKED`,
        [here],
      );
      const gone = new Map<string, boolean>([[this.worker.id, true]]);
      for (const { worker_id } of running) {
        if (!gone.has(worker_id)) gone.set(worker_id, await isWorkerDead(manager, worker_id));
      }
      // One that this worker claimed only now is active by now.
      const active = new Set(this.worker.activeRunIds());
      for (const run of running.filter(({ id, worker_id }) => gone.get(worker_id) && !active.has(id))) {
        await moveRun(manager, run.id, 'requeue');
        await this.queue.enqueue(manager, run.id);
        this.logger.info({ runId: run.id }, 'Nobody works this run any more; it is queued again.');
      }
    });
  }

  /**
   * At the start: a worker that died between taking a job and claiming its run has left the job looking
   * as if it were handled, and until that is noticed a minute goes by. A second job does no harm.
   */
  private async requeueWaiting(): Promise<void> {
    await this.log.transaction(async (manager) => {
      const queued = await manager.query<{ id: string }[]>(
        `SELECT DISTINCT ON (session_id, kind) id FROM runs WHERE state = 'queued'
         ORDER BY session_id, kind, created_at, id`,
      );
      for (const { id } of queued) await this.queue.enqueue(manager, id);
    });
  }

  /** Queued, but no job says so any more: its job failed too often while the database was ill. */
  private async requeueForgotten(): Promise<void> {
    await this.log.transaction(async (manager) => {
      for (const id of await findOverdueRuns(manager)) {
        if (await this.queue.hasJob(id)) continue;
        await this.queue.enqueue(manager, id);
        this.logger.warn({ runId: id }, 'A queued run had no job; it has one again.');
      }
    });
  }

  private async deliverCancels(): Promise<void> {
    const here = this.worker.activeRunIds();
    if (here.length === 0) return;
    const asked = await this.log.transaction((manager) =>
      manager.query<{ id: string }[]>(
        `SELECT id FROM runs WHERE id = ANY ($1) AND cancel_requested_by IS NOT NULL`,
        [here],
      ),
    );
    for (const { id } of asked) this.worker.cancel(id);
  }
}
