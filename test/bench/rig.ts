import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { startServer, TEST_API_KEY } from '../support/server-process.js';

/** The built server in a process of its own on a durable PostgreSQL, and a client over its WebSocket. */
export interface Rig {
  readonly url: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly client: GantryClient;
  /** Of the server's process. */
  readonly pid: number;
  /** All that the server printed. */
  output(): string;
  /** The server's data directory. */
  readonly home: string;
}

/** Runs `measure` on a fresh rig and takes it down again, whatever comes of it. */
export async function withRig(
  environment: Readonly<Record<string, string>>,
  measure: (rig: Rig) => Promise<void>,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  // PostgreSQL's own account passes through here when the bench runs as root.
  await chmod(home, 0o711);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ directory: join(home, 'postgres'), log: () => undefined });
  stack.defer(() => postgres.stop());
  const server = await startServer({ home, databaseUrl: postgres.url, environment });
  stack.defer(() => server.stop());
  const client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  stack.defer(() => client.close());
  await client.connect();
  await measure({
    url: server.url,
    apiKey: TEST_API_KEY,
    databaseUrl: postgres.url,
    client,
    pid: server.pid,
    output: () => server.output(),
    home,
  });
}
