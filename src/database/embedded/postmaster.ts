import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bareEnvironment, type Cluster } from './cluster.js';
import { identityOf } from './postgres-account.js';
import { isPostmasterOf, postmasterFilePath, readPostmasterFile } from './postmaster-file.js';

/** A server that accepts connections on 127.0.0.1. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

export type StopMode = 'fast' | 'immediate';

const pollMs = 20;
/** Recovery after a crash replays at most `max_wal_size`; far longer than that ever took. */
const readyWithinMs = 120_000;
const stopWithinMs = 30_000;
const maxLogBytes = 10 * 1024 * 1024;

/**
 * The server that already runs on this data directory, once it is ready; `undefined` when none does. Leaves no
 * stale `postmaster.pid` behind.
 */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    const file = await readPostmasterFile(cluster.dataDirectory);
    if (file === undefined || !(await isPostmasterOf(file.pid, cluster.dataDirectory))) {
      await rm(postmasterFilePath(cluster.dataDirectory), { force: true });
      return undefined;
    }
    if (file.status === 'ready' && file.port !== undefined) return { pid: file.pid, port: file.port };
    if (Date.now() > deadline) {
      await stopPostmaster(cluster, file.pid, 'immediate');
      return undefined;
    }
    await delay(pollMs);
  }
}

/**
 * Starts a server on `port` and waits until it accepts connections. It gets a session of its own: neither Ctrl-C in
 * the terminal nor the death of this process ends it.
 * Throws with the end of PostgreSQL's own log when it does not come up.
 */
export async function spawnPostmaster(cluster: Cluster, port: number): Promise<Postmaster> {
  const size = await stat(cluster.logFile).then(
    (found) => found.size,
    () => 0,
  );
  const log = await open(cluster.logFile, size > maxLogBytes ? 'w' : 'a', 0o600);
  const logStart = size > maxLogBytes ? 0 : size;
  const child = spawn(cluster.binaries.postgres, ['-D', cluster.dataDirectory, ...settings(cluster, port)], {
    detached: true,
    cwd: '/',
    env: bareEnvironment(),
    stdio: ['ignore', log.fd, log.fd],
    ...identityOf(cluster.account),
  });
  const end: { reason?: string } = {};
  child.once('error', (error) => (end.reason = error.message));
  child.once('exit', (code, signal) => (end.reason = `it ended with ${signal ?? `code ${code}`}`));
  child.unref();
  await log.close();
  const deadline = Date.now() + readyWithinMs;
  while (end.reason === undefined && Date.now() < deadline) {
    const file = await readPostmasterFile(cluster.dataDirectory);
    if (file !== undefined && file.pid === child.pid && file.status === 'ready')
      return { pid: file.pid, port };
    await delay(pollMs);
  }
  if (end.reason === undefined && child.pid !== undefined)
    await stopPostmaster(cluster, child.pid, 'immediate');
  const said = (await readFile(cluster.logFile, 'utf8'))
    .slice(logStart)
    .trim()
    .split('\n')
    .slice(-20)
    .join('\n');
  throw new Error(
    `PostgreSQL did not start (${end.reason ?? `not ready after ${readyWithinMs / 1000} s`}):\n${said}`,
  );
}

/** Modest memory, loopback only, and quick to notice that a client is gone. */
function settings(cluster: Cluster, port: number): string[] {
  const durable = {
    shared_buffers: '64MB',
    max_wal_size: '256MB',
  };
  const throwaway = {
    shared_buffers: '32MB',
    fsync: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
  };
  const values: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    tcp_keepalives_idle: '60',
    tcp_keepalives_interval: '10',
    tcp_keepalives_count: '3',
    log_checkpoints: 'off',
    timezone: 'UTC',
    ...(cluster.durability === 'durable' ? durable : throwaway),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Ends the server and waits until it is gone; one that does not answer in 30 s is ended hard. Nothing committed is lost. */
export async function stopPostmaster(cluster: Cluster, pid: number, mode: StopMode): Promise<void> {
  const modes =
    mode === 'fast' ? (['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) : (['SIGQUIT', 'SIGKILL'] as const);
  for (const signal of modes) {
    if (!(await isPostmasterOf(pid, cluster.dataDirectory))) return;
    process.kill(pid, signal);
    const deadline = Date.now() + stopWithinMs;
    while (Date.now() < deadline) {
      if (!(await isPostmasterOf(pid, cluster.dataDirectory))) return;
      await delay(pollMs);
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not end`);
}

/** A port that is free now; PostgreSQL says so if another takes it in between. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}
