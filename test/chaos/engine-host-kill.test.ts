import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { GantryClient } from '../../src/client/gantry-client.js';
import { isTerminalEvent } from '../../src/events/event.js';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { runChaos } from './chaos-run.js';
import { chaosTimeout, killCount } from './chaos-settings.js';
import type { EventCollector } from './event-collector.js';

const KILLS = killCount(2);

describeWithDocker('kill -9 of the engine host', () => {
  let database: TestDatabase;
  let home: string;
  let server: ServerProcess;
  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-chaos-engine-'));
    server = await startServer({ home, databaseUrl: database.url });
  });
  afterAll(async () => {
    await server.stop();
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test('fails no connection and no run', { timeout: chaosTimeout(KILLS) }, async () => {
    let connections = 0;
    const report = await runChaos({
      title: 'kill -9 of the engine host',
      url: server.url,
      databaseUrl: database.url,
      strikes: KILLS,
      longestLifeMs: 2000,
      lanes: { text: 2, effects: 1, mixed: 1 },
      strike: async (_random, collector) => {
        connections = collector.connections;
        const pid = await readyHost(collector.client);
        process.kill(pid, 'SIGKILL');
        // A host that dies again and again without finishing anything is given up, and rightly so.
        await turnsFinish(collector);
      },
    });
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ kills: KILLS, lost: 0, repeated: 0, failed: 0, cancelled: 0 });
    expect(connections).toBe(1);
  });
});

async function readyHost(client: GantryClient): Promise<number> {
  const schema = z.object({ engine: z.object({ state: z.string(), hostPid: z.number().optional() }) });
  return until('the engine is ready', 30_000, async () => {
    const { engine } = schema.parse(await client.models.status());
    return engine.state === 'ready' ? engine.hostPid : undefined;
  });
}

/** A model's turn that began after the call has ended. */
async function turnsFinish(collector: EventCollector): Promise<void> {
  const count = () =>
    collector
      .sessionIds()
      .flatMap((id) => collector.eventsOf(id))
      .filter(
        (event) =>
          isTerminalEvent(event) && 'response' in event && event.response.usage.completion_tokens > 0,
      ).length;
  const before = count();
  await until('two more runs end', 60_000, () => count() >= before + 2);
}
