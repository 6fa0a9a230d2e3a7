import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { findPostmaster, freePort, spawnPostmaster, type Postmaster } from './postmaster.js';

const startAttempts = 5;

/**
 * The server that runs on the cluster, started if there is none. `port` asks for that one alone, since its address
 * was handed out already; it throws where another start has chosen a different one.
 */
export async function ensureRunning(cluster: Cluster, port: number | undefined): Promise<Postmaster> {
  for (let attempt = 1; ; attempt += 1) {
    const running = await findPostmaster(cluster);
    if (running !== undefined && (port === undefined || running.port === port)) return running;
    if (running !== undefined) throw new Error(`PostgreSQL runs on port ${running.port} now, not on ${port}`);
    try {
      return await spawnPostmaster(cluster, port ?? (await freePort()));
    } catch (error) {
      // Another start may have been quicker, the port may be taken, backends of a killed server may be about to leave.
      if (attempt === startAttempts) throw error;
      await delay(200 * attempt);
    }
  }
}
