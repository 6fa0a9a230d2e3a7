import { Client } from 'pg';
import type { Logger } from 'pino';
import type { EntityManager } from 'typeorm';
import { newId } from '../ids.js';

/**
 * A worker is alive as long as its connection holds an advisory lock: Postgres lets go of it the moment
 * the process dies, whatever killed it, so a dead worker's runs are found at once and not after a
 * time-out. A lost connection is made anew under the same id.
 */
export class WorkerLease {
  readonly workerId = newId('work');
  private client: Client | undefined;
  private closed = false;

  constructor(
    private readonly databaseUrl: string,
    private readonly log: Pick<Logger, 'warn' | 'info'>,
  ) {}

  async start(): Promise<void> {
    await this.connect();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.databaseUrl,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5000,
      application_name: 'gantry-worker',
    });
    client.on('error', () => this.lost(client));
    client.on('end', () => this.lost(client));
    await client.connect();
    await client.query(
      `SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`,
    );
    await client.query(`SELECT pg_advisory_lock(hashtextextended($1, 0))`, [this.workerId]);
    this.client = client;
  }

  private lost(client: Client): void {
    if (this.closed || this.client !== client) return;
    this.client = undefined;
    this.log.warn('Lost the worker lease connection to the database; reconnecting.');
    this.retry();
  }

  private retry(): void {
    setTimeout(() => {
      if (this.closed) return;
      this.connect().then(
        () => this.log.info('The worker lease is held again.'),
        () => this.retry(),
      );
    }, 500).unref();
  }
}

/** Inside a transaction: whether nobody holds the worker's lock. Holds it itself until the transaction ends. */
export async function isWorkerDead(manager: EntityManager, workerId: string): Promise<boolean> {
  const [row] = await manager.query<{ free: boolean }[]>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free`,
    [workerId],
  );
  return row?.free ?? false;
}
