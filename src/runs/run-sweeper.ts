import type { Logger } from 'pino';
import type { ApprovalExpiry } from '../approvals/approval-expiry.js';
import { isTransientDatabaseError } from '../database/transient-error.js';
import type { EventLog } from '../events/event-log.js';
import type { RunQueue } from './run-queue.js';
import type { RunWorker } from './run-worker.js';
import { isWorkerDead } from './worker-lease.js';

const SWEEP_EVERY_MS = 2000;

/** Sees to what no message will come for: dead workers' runs, approvals past their time, missed cancels. */
export class RunSweeper {
  private timer: NodeJS.Timeout | undefined;
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
      await this.expiry.expireOverdue();
      await this.deliverCancels();
      await this.log.transaction((manager) =>
        manager.query(`DELETE FROM cancel_stash WHERE expires_at < now()`),
      );
    } catch (error) {
      if (!isTransientDatabaseError(error)) this.logger.warn({ err: error }, 'A sweep failed.');
    }
  }

  private async requeueOrphans(): Promise<void> {
    const here = this.worker.activeRunIds();
    await this.log.transaction(async (manager) => {
      const running = await manager.query<{ id: string; worker_id: string }[]>(
        `SELECT id, worker_id FROM runs WHERE state = 'running' AND NOT (id = ANY ($1)) FOR UPDATE SKIP LOCKED`,
        [here],
      );
      const dead = new Map<string, boolean>();
      for (const { worker_id } of running) {
        if (!dead.has(worker_id)) dead.set(worker_id, await isWorkerDead(manager, worker_id));
      }
      for (const run of running.filter(({ worker_id }) => dead.get(worker_id))) {
        await manager.query(`UPDATE runs SET state = 'queued', worker_id = NULL WHERE id = $1`, [run.id]);
        await this.queue.enqueue(manager, run.id);
        this.logger.info({ runId: run.id }, 'The worker of a run is gone; the run goes on elsewhere.');
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
