import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { runChaos } from './chaos-run.js';
import { chaosTimeout, killCount } from './chaos-settings.js';

const CUTS = killCount(4);

describeWithDocker('a database whose connections all break', () => {
  let database: TestDatabase;
  let home: string;
  let server: ServerProcess;
  let superuser: Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-chaos-database-'));
    server = await startServer({ home, databaseUrl: database.url });
    superuser = new Client({ connectionString: inject('superuserUrl') });
    await superuser.connect();
  });
  afterAll(async () => {
    await superuser.end();
    await server.stop();
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test('runs go on', { timeout: chaosTimeout(CUTS) }, async () => {
    const name = new URL(database.url).pathname.slice(1);
    const report = await runChaos({
      title: 'all database connections broken',
      url: server.url,
      databaseUrl: database.url,
      strikes: CUTS,
      longestLifeMs: 4000,
      lanes: { text: 2, effects: 1, mixed: 1 },
      // Sometimes all but the one that says that the worker lives: then nobody else may take its runs.
      strike: async (random) => {
        await superuser.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = $1 AND ($2 OR application_name <> 'gantry-worker')`,
          [name, random() < 0.5],
        );
      },
    });
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ kills: CUTS, lost: 0, repeated: 0, failed: 0, cancelled: 0 });
  });
});
