import { PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import type { EntityManager } from 'typeorm';
import { GuardedClient } from '../database/guarded-client.js';

const QUEUE = 'runs';

/** A job whose worker stops refreshing it this long goes to another; the claim's fence makes that safe. */
const HEARTBEAT_SECONDS = 30;
/** How often pg-boss looks for jobs whose worker is gone. */
const SUPERVISE_SECONDS = 10;
/** Jobs announce themselves, but a worker that ends one while others wait hears of no new one: it looks. */
const POLL_SECONDS = 0.5;
const A_DAY_SECONDS = 86_400;

export interface RunJob {
  readonly runId: string;
}

/**
 * Dispatch of runs to workers, by pg-boss on the same Postgres, so that a job and the state that calls
 * for it are one transaction. A job only says "look at this run": repeats are harmless.
 */
export class RunQueue {
  private readonly boss: PgBoss;

  constructor(
    databaseUrl: string,
    private readonly log: Pick<Logger, 'warn'>,
  ) {
    const options = {
      connectionString: databaseUrl,
      useListenNotify: true,
      schedule: false,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      max: 4,
      // Handed on to the pool that pg-boss makes.
      Client: GuardedClient,
    };
    this.boss = new PgBoss(options);
    this.boss.on('error', (error) => this.log.warn({ err: error }, 'The run queue had an error.'));
    // Without a listener for warnings pg-boss prints them itself.
    this.boss.on('warning', (warning) => this.log.warn({ warning }, 'The run queue warns.'));
  }

  async start(): Promise<void> {
    await this.boss.start();
    await this.boss.createQueue(QUEUE, {
      notify: true,
      retryLimit: 20,
      retryDelay: 1,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      expireInSeconds: A_DAY_SECONDS,
      deleteAfterSeconds: 3600,
    });
  }

  /** In the caller's transaction: the job exists exactly when the state that needs it does. */
  async enqueue(manager: EntityManager, runId: string): Promise<void> {
    const job: RunJob = { runId };
    await this.boss.send(QUEUE, job, {
      db: {
        executeSql: async (text, values) => ({
          rows: rowsOf(await manager.query(text, [...(values ?? [])])),
        }),
      },
    });
  }

  /** Whether a job for the run waits or is being handled. */
  async hasJob(runId: string): Promise<boolean> {
    const jobs = await this.boss.findJobs<RunJob>(QUEUE, { data: { runId } });
    return jobs.some(({ state }) => state === 'created' || state === 'retry' || state === 'active');
  }

  async work(concurrency: number, handle: (job: RunJob) => Promise<void>): Promise<void> {
    await this.boss.work<RunJob>(
      QUEUE,
      {
        localConcurrency: concurrency,
        pollingIntervalSeconds: POLL_SECONDS,
        notifyPollingIntervalSeconds: POLL_SECONDS,
      },
      async (jobs) => {
        for (const job of jobs) await handle(job.data);
      },
    );
  }

  /** Takes no more jobs; those under way are given `graceMs` by their handlers. */
  async close(graceMs: number): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: Math.max(1000, graceMs) });
  }
}

/** TypeORM gives `[rows, count]` for UPDATE and DELETE, rows for the rest. */
function rowsOf(result: unknown): unknown[] {
  if (!Array.isArray(result)) return [];
  const [first] = result as unknown[];
  return result.length === 2 && Array.isArray(first) && typeof result[1] === 'number' ? first : result;
}
