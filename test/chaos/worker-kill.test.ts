import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type Program, type ServerProcess, startServer, startWorker } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { runChaos } from './chaos-run.js';
import { chaosTimeout, killCount } from './chaos-settings.js';
import { EventCollector } from './event-collector.js';
import { LONG_TEXT } from './workload.js';

const KILLS = killCount(2);

describeWithDocker('a server and two workers', () => {
  let database: TestDatabase;
  let home: string;
  let server: ServerProcess;
  const workers: Program[] = [];
  // One data directory for all: a worker that starts must leave alone what its siblings have running.
  const worker = () => startWorker({ home, databaseUrl: database.url });

  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-chaos-worker-'));
    server = await startServer({
      home,
      databaseUrl: database.url,
      environment: { GANTRY_WORKER: 'off' },
    });
    workers.push(...(await Promise.all([worker(), worker()])));
  });
  afterAll(async () => {
    await Promise.all([server.stop(), ...workers.map((one) => one.stop())]);
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test('what one process appends a subscriber of another sees while it happens', async () => {
    const collector = new EventCollector(server.url);
    try {
      const { id } = await collector.client.createSession();
      const arrivals: { first: number; seq: number; lateMs: number }[] = [];
      const reading = new AbortController();
      const read = (async () => {
        for await (const item of collector.client.session(id).events({ signal: reading.signal })) {
          if (item.type === 'live' || item.type === 'snapshot') continue;
          arrivals.push({ first: item.first_seq ?? item.seq, seq: item.seq, lateMs: Date.now() - item.ts });
          if (item.type === 'done') return;
        }
      })();
      await collector.client.createRun({ ...LONG_TEXT, session_id: id });
      await read;
      expect(arrivals.map(({ first }) => first)).toEqual([
        1,
        ...arrivals.slice(0, -1).map(({ seq }) => seq + 1),
      ]);
      expect(arrivals.length).toBeGreaterThan(4);
      const inOrder = arrivals.map(({ lateMs }) => lateMs).sort((a, b) => a - b);
      // Well under the time that finding them by a look at the log now and then would take.
      expect(inOrder[Math.floor(inOrder.length / 2)]).toBeLessThan(1000);
    } finally {
      await collector.close();
    }
  });

  test(
    'kill -9 of a worker loses, repeats and changes nothing',
    { timeout: chaosTimeout(KILLS) },
    async () => {
      const report = await runChaos({
        title: 'kill -9 of a worker',
        url: server.url,
        databaseUrl: database.url,
        strikes: KILLS,
        longestLifeMs: 8000,
        lanes: { text: 2, effects: 1, mixed: 1 },
        strike: async (random) => {
          const place = random() < 0.5 ? 0 : 1;
          await workers[place]?.kill();
          workers[place] = await worker();
        },
      });
      expect(report.faults).toEqual([]);
      expect(report).toMatchObject({ kills: KILLS, lost: 0, repeated: 0, failed: 0, cancelled: 0 });
    },
  );
});
