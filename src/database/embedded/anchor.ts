import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { messageOf } from '../../errors.js';
import { GuardedClient } from '../guarded-client.js';
import type { Cluster } from './cluster.js';
import { ensureRunning } from './ensure-running.js';
import { findPostmaster, stopPostmaster, type Postmaster } from './postmaster.js';

const anchorName = 'gantry-anchor';

/**
 * One idle connection for as long as we use the server: it shows other processes that we do, and its end tells us
 * that PostgreSQL is gone.
 */
export class Anchor {
  private client: Client | undefined;
  private readonly weighed = new AbortController();
  private watching: Promise<void> = Promise.resolve();

  private constructor(
    private readonly cluster: Cluster,
    private readonly superuserUrl: string,
    private readonly port: number,
    private readonly log: (line: string) => void,
  ) {}

  static async drop(
    cluster: Cluster,
    superuserUrl: string,
    postmaster: Postmaster,
    log: (line: string) => void,
  ): Promise<Anchor> {
    const anchor = new Anchor(cluster, superuserUrl, postmaster.port, log);
    await anchor.hold();
    return anchor;
  }

  private async hold(): Promise<void> {
    // What its error means is dealt with at `end`.
    const client = new GuardedClient({
      connectionString: this.superuserUrl,
      application_name: anchorName,
      keepAlive: true,
    });
    await client.connect();
    client.on('end', () => {
      this.client = undefined;
      if (!this.weighed.signal.aborted) this.watching = this.revive();
    });
    this.client = client;
  }

  private async revive(): Promise<void> {
    this.log('PostgreSQL went away, starting it again');
    for (let wait = 100; !this.weighed.signal.aborted; wait = Math.min(wait * 2, 5000)) {
      try {
        await ensureRunning(this.cluster, this.port);
        await this.hold();
        this.log('PostgreSQL runs again');
        return;
      } catch (error) {
        this.log(`PostgreSQL is still away: ${messageOf(error)}`);
        await delay(wait, undefined, { signal: this.weighed.signal }).catch(() => undefined);
      }
    }
  }

  async weigh(): Promise<void> {
    this.weighed.abort();
    await this.watching;
    try {
      const others = this.client === undefined ? 0 : await countOthers(this.client);
      await this.client?.end();
      const running = await findPostmaster(this.cluster);
      if (running === undefined) return;
      if (others === 0) await stopPostmaster(this.cluster, running.pid, 'fast');
      else this.log(`PostgreSQL keeps running: ${others} other connections use it`);
    } catch (error) {
      this.log(`PostgreSQL could not be stopped: ${messageOf(error)}`);
    }
  }
}

/** Asked for a second before it is believed: a connection that was just closed is listed a moment longer. */
async function countOthers(client: Client): Promise<number> {
  const deadline = Date.now() + 1000;
  for (;;) {
    const { rows } = await client.query<{ others: number }>(
      `SELECT count(*)::int AS others FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    const others = rows[0]?.others ?? 0;
    if (others === 0 || Date.now() > deadline) return others;
    await delay(20);
  }
}
