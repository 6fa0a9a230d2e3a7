import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { describeWithDocker } from '../support/docker.js';
import { startEngineProxy } from '../support/engine-proxy.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { endOfCall, eventsOf, isOutput } from './run-events.js';

/** Its steps are bounded; past this the process ends itself with status 1. */
const DRAIN_MS = 25_000;
/** Heeds nothing but SIGKILL. */
const STUBBORN = `print("begun", flush=True)
while True:
    try:
        sum(range(10**6))
    except KeyboardInterrupt:
        pass`;

describeWithDocker('SIGTERM ends the server with status 0 in the time it has', () => {
  let home: string;
  let database: TestDatabase;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-shutdown-'));
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  const start = (environment: Record<string, string> = {}) =>
    startServer({ home, databaseUrl: database.url, environment });

  /** Rejects when the status is another. */
  async function stopsInTime(server: ServerProcess): Promise<void> {
    const asked = performance.now();
    await server.stop();
    expect(performance.now() - asked).toBeLessThan(DRAIN_MS);
  }

  async function clientOf({ url }: ServerProcess): Promise<GantryClient> {
    const client = new GantryClient({ url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
    await client.connect();
    return client;
  }

  test('while calls run that heed nothing, and a client never sends the rest of its request', async () => {
    const server = await start();
    const client = await clientOf(server);
    const half = connect(server.port, '127.0.0.1');
    half.on('error', () => undefined);
    await once(half, 'connect');
    const head = [
      'POST /v1/sessions HTTP/1.1',
      `host: 127.0.0.1:${server.port}`,
      'content-type: application/json',
    ];
    half.write(
      [...head, `authorization: Bearer ${TEST_API_KEY}`, 'content-length: 100', '', '{'].join('\r\n'),
    );
    try {
      const runs = await Promise.all(
        [1, 2, 3].map(async () => {
          const { id } = await client.createSession();
          return client.invokeTool({ session_id: id, name: 'python', arguments: { code: STUBBORN } });
        }),
      );
      for (const run of runs) await eventsOf(client, run, isOutput);
      await stopsInTime(server);
    } finally {
      half.destroy();
      client.close();
    }
  });

  test('while the engine of the sandboxes does not answer any more', async () => {
    const engine = await startEngineProxy();
    try {
      const server = await start({ DOCKER_HOST: `tcp://127.0.0.1:${engine.port}` });
      const client = await clientOf(server);
      const { id } = await client.createSession();
      const call = { session_id: id, name: 'python', arguments: { code: '1' } };
      expect(endOfCall(await eventsOf(client, await client.invokeTool(call))).status).toBe('succeeded');
      engine.freeze();
      client.close();
      await stopsInTime(server);
    } finally {
      await engine.close();
    }
    // What the engine was asked to make and never told of is for the next server to remove.
    await (await start()).stop();
  });
});

test('a signal that comes twice, as with npm between, ends the server and its own database in order', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gantry-e2e-signal-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const server = await startServer({ home, environment: { GANTRY_SANDBOX: 'none' } });
  process.kill(server.pid, 'SIGTERM');
  await server.stop();
  await expect(readFile(join(home, 'postgres', 'data', 'postmaster.pid'))).rejects.toThrow(/ENOENT/);
});
