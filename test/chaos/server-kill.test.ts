import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithDocker } from '../support/docker.js';
import { containersOf, killContainer, untilNoContainers } from '../support/sandbox-containers.js';
import { startServer } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { runChaos } from './chaos-run.js';
import { chaosTimeout, killCount } from './chaos-settings.js';

const KILLS = killCount(2);

describeWithDocker('kill -9 of the server', () => {
  let database: TestDatabase;
  let home: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-chaos-server-'));
  });
  afterAll(async () => {
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test.each([
    ['end with it', 'off'],
    ['outlive it', 'on'],
  ])(
    'loses, repeats and changes nothing where sandboxes %s',
    { timeout: chaosTimeout(KILLS) },
    async (_what, setting) => {
      const environment = { GANTRY_SANDBOX_SURVIVE_RESTART: setting };
      const options = { home, databaseUrl: database.url, environment };
      let server = await startServer(options);
      try {
        const { url, port } = server;
        const report = await runChaos({
          title: `kill -9 of the server, sandboxes that outlive it ${setting}`,
          url,
          databaseUrl: database.url,
          strikes: KILLS,
          longestLifeMs: 8000,
          lanes: { text: 2, effects: 1, mixed: 1 },
          strike: async () => {
            await server.kill();
            server = await startServer({ ...options, port });
          },
        });
        expect(report.faults).toEqual([]);
        expect(report).toMatchObject({ kills: KILLS, lost: 0, repeated: 0, failed: 0, cancelled: 0 });
        expect(report.resumed).toBeGreaterThan(0);
      } finally {
        await server.stop();
      }
      // Left for a next server, which does not come.
      if (setting === 'on') for (const id of await containersOf(home)) await killContainer(id);
      await untilNoContainers(home);
    },
  );
});
