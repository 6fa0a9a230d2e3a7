import { Client } from 'pg';
import { Anchor } from './embedded/anchor.js';
import {
  applicationName,
  openCluster,
  superuserName,
  type Cluster,
  type Durability,
} from './embedded/cluster.js';
import { ensureRunning } from './embedded/ensure-running.js';

export interface EmbeddedPostgresOptions {
  /** Made when absent. The cluster, its password (0600) and PostgreSQL's log lie in it. */
  readonly directory: string;
  /** Receives single lines for a person. */
  readonly log: (line: string) => void;
  /** `throwaway` is for tests alone. */
  readonly durability?: Durability;
}

export interface EmbeddedPostgres {
  /** The application's own database and role; stays true for the life of the process. */
  readonly url: string;
  /** The same server as the superuser: may make and drop databases. */
  readonly superuserUrl: string;
  /**
   * Call it after every pool on `url` was closed. Ends PostgreSQL, unless another process still uses it.
   * Never throws; a second call waits for the first.
   */
  stop(): Promise<void>;
}

/**
 * PostgreSQL from the npm package, on a free port of 127.0.0.1. One that still runs on the directory, from a server
 * that was killed or beside another process of ours, is used as it is; there are never two on one directory.
 * Should it die while we run, it is started again on the same port.
 * Throws with the end of PostgreSQL's log when it cannot be started.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await openCluster({ durability: 'durable', ...options });
  const postmaster = await ensureRunning(cluster, undefined);
  const superuserUrl = urlOf(superuserName, cluster.passwords.superuser, postmaster.port, 'postgres');
  await provision(cluster, superuserUrl);
  const anchor = await Anchor.drop(cluster, superuserUrl, postmaster, options.log);
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(applicationName, cluster.passwords.application, postmaster.port, applicationName),
    superuserUrl,
    stop: () => (stopped ??= anchor.weigh()),
  };
}

function urlOf(role: string, password: string, port: number, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

/** The application's role and database; it is no superuser, so that no query of ours can reach files or programs. */
async function provision(cluster: Cluster, superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    // Two processes may start at once; the lock lives as long as this connection.
    await client.query('SELECT pg_advisory_lock(7412008)');
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [applicationName]);
    if (role.rowCount === 0) {
      const password = client.escapeLiteral(cluster.passwords.application);
      await client.query(`CREATE ROLE ${applicationName} LOGIN PASSWORD ${password}`);
    }
    const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [applicationName]);
    if (database.rowCount === 0)
      await client.query(`CREATE DATABASE ${applicationName} OWNER ${applicationName}`);
  } finally {
    await client.end();
  }
}
