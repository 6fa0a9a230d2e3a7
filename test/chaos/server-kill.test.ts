import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithDocker } from '../support/docker.js';
import { containersOf } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { inspect, printReport } from './chaos-report.js';
import { chaosSeed, chaosTimeout, killCount } from './chaos-settings.js';
import { EventCollector } from './event-collector.js';
import { seededRandom } from './seeded-random.js';
import { uninterruptedText } from './uninterrupted-text.js';
import { Workload } from './workload.js';

const KILLS = killCount(3);
const LONGEST_LIFE_MS = 2500;

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

  test('loses, repeats and changes nothing', { timeout: chaosTimeout(KILLS) }, async () => {
    const seed = chaosSeed();
    const random = seededRandom(seed);
    const options = { home, databaseUrl: database.url };
    let server: ServerProcess = await startServer(options);
    const { port } = server;
    const collector = new EventCollector(server.url);
    const killedAt: number[] = [];
    try {
      await collector.client.connect();
      const longText = await uninterruptedText(collector.client);
      const workload = new Workload(collector, collector.client);
      workload.start({ text: 2, effects: 1, mixed: 1 });
      for (let kill = 0; kill < KILLS; kill += 1) {
        // The moment is what is tried out, so here time is the input and not a wait for something.
        await delay(random() * LONGEST_LIFE_MS);
        killedAt.push(Date.now());
        await server.kill();
        server = await startServer({ ...options, port });
      }
      await workload.stop();
      const report = await inspect(database.url, collector, workload.runs, { at: killedAt, longText });
      printReport(`kill -9 of the server, seed ${seed}`, report);
      expect(report.faults).toEqual([]);
      expect(report).toMatchObject({ kills: KILLS, lost: 0, repeated: 0, failed: 0, cancelled: 0 });
      expect(report.resumed).toBeGreaterThan(0);
    } finally {
      await collector.close();
      await server.stop();
    }
    expect(await containersOf(home)).toEqual([]);
  });
});
