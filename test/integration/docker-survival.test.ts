import { join } from 'node:path';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { createDataSource } from '../../src/database/data-source.js';
import { newId } from '../../src/ids.js';
import { WorkerLease } from '../../src/runs/worker-lease.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { PostgresKeptSandboxes } from '../../src/sandbox/docker/postgres-kept-sandboxes.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { newTakeOver } from '../../src/sandbox/kernel/take-over.js';
import { tokenOf } from '../../src/sandbox/kernel/token-chain.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { dockerClient } from '../../src/sandbox/docker/docker-client.js';
import { describeWithDocker } from '../support/docker.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const SPEC = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };
const instanceId = newId('work');

let database: TestDatabase;
let dataSource: DataSource;
let image: string;
const servers: Server[] = [];

/** What one process has of sandboxes that outlive it. */
class Server {
  readonly lease = new WorkerLease(database.url, pino({ level: 'silent' }));
  readonly kept = this.keptBy('k1');
  readonly provider: DockerSandboxProvider;

  private constructor(unattendedMs: number) {
    const outliving = { kept: this.kept, unattendedMs, adoptsOrphans: false };
    this.provider = new DockerSandboxProvider(
      { ...SANDBOX_DEFAULTS, poolSize: 0, image, instanceId, outliving },
      () => undefined,
    );
  }

  static async start(unattendedMs = 60_000): Promise<Server> {
    const server = new Server(unattendedMs);
    servers.push(server);
    await server.lease.start();
    return server;
  }

  keptBy(kernelVersion: string): PostgresKeptSandboxes {
    return new PostgresKeptSandboxes(dataSource, { id: this.lease.workerId, instanceId, kernelVersion });
  }
}

async function valueOf(sandbox: Sandbox, code: string): Promise<string | undefined> {
  const ignore = (): void => undefined;
  return (await sandbox.exec(code, { timeoutMs: 10_000 }, ignore, new AbortController().signal)).value;
}

async function containers(): Promise<number> {
  const filters = { label: [`gantry.owner=${instanceId}`] };
  return (await dockerClient(undefined).listContainers({ all: true, filters })).length;
}

describeWithDocker('sandboxes that outlive their process', () => {
  beforeAll(async () => {
    image = await sandboxImage(join(PROJECT_ROOT, 'sandboxes'));
    database = await createTestDatabase();
    dataSource = await createDataSource(database.url).initialize();
  });
  afterEach(async () => {
    for (const { provider, lease } of servers.splice(0)) {
      await provider.release(SPEC.sessionId);
      await provider.close();
      await lease.close();
    }
    await dataSource.query('DELETE FROM sessions');
    await until('the last container is removed', 10_000, async () => (await containers()) === 0);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  async function maker(unattendedMs?: number): Promise<{ first: Server; sandbox: Sandbox }> {
    await dataSource.query(`INSERT INTO sessions (id, owner) VALUES ('sess_1', 'alice')`);
    const first = await Server.start(unattendedMs);
    const sandbox = await first.provider.acquire(SPEC);
    await valueOf(sandbox, 'x = 42');
    return { first, sandbox };
  }

  test('one of a process that lives is not taken over', async () => {
    const { sandbox } = await maker();
    const second = await Server.start();
    expect(await second.provider.recover(SPEC)).toBeUndefined();
    expect(await valueOf(sandbox, 'x')).toBe('42');
  });

  test('one whose process only seems dead has a single owner all the same: that process lets go, and removes nothing', async () => {
    const { first, sandbox } = await maker();
    await first.lease.close();
    const [second, third] = [await Server.start(), await Server.start()];
    const found = await Promise.all([second.provider.recover(SPEC), third.provider.recover(SPEC)]);
    const [taken, ...others] = found.filter((each) => each !== undefined);
    expect(others).toEqual([]);
    expect(taken?.id).toBe(sandbox.id);
    await until('the first lets go', 5000, () => first.provider.current(SPEC.sessionId) === undefined);
    await first.provider.close();
    expect(taken && (await valueOf(taken, 'x'))).toBe('42');
  });

  test('a spent token in a file that the server itself brings in changes nothing', async () => {
    const { first } = await maker();
    await first.lease.close();
    const second = await Server.start();
    const taken = await second.provider.recover(SPEC);
    const [row] = await dataSource.query<{ secret: Buffer; generation: number }[]>(
      'SELECT secret, generation FROM kept_sandboxes',
    );
    expect(row?.generation).toBe(1);
    const spent = newTakeOver(tokenOf(row?.secret ?? Buffer.alloc(0), 1)).request;
    await taken?.write('forged.bin', Buffer.concat([spent, spent]));
    expect(taken && (await valueOf(taken, 'x, len(open("forged.bin", "rb").read())'))).toBe(
      `(42, ${2 * spent.length})`,
    );
  });

  test('one that carries another kernel is not taken over', async () => {
    const { first } = await maker();
    await first.lease.close();
    const second = await Server.start();
    expect(await second.keptBy('k2').takeOver(SPEC.sessionId)).toBeUndefined();
  });

  test('one for which no process comes leaves by itself, and is forgotten', async () => {
    const { first } = await maker(2000);
    await first.provider.close();
    expect(await containers()).toBe(1);
    await until('it leaves', 15_000, async () => (await containers()) === 0);
    await first.lease.close();
    const second = await Server.start();
    await second.provider.ready();
    await until('it is forgotten', 10_000, async () => (await second.kept.containerIds()).size === 0);
  });
});
