import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { FencedError } from '../../src/events/chunk-writer.js';
import { EventBus } from '../../src/events/event-bus.js';
import { EventLog } from '../../src/events/event-log.js';
import { commitFenced } from '../../src/runs/commit-fenced.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let dataSource: DataSource;
let log: EventLog;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database.url).initialize();
  log = new EventLog(dataSource, new EventBus(database.url, pino({ level: 'silent' })));
  await dataSource.query(`INSERT INTO sessions (id, owner) VALUES ('sess_1', 'alice')`);
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

test.each([
  ['whose run another worker claimed', 'running', 2],
  ['whose run is over', 'completed', 1],
  ['whose run was queued again', 'queued', 1],
])('a commit %s changes nothing', async (_what, state, generation) => {
  const runId = `run_${state}`;
  await dataSource.query(
    `INSERT INTO runs (id, session_id, owner, kind, state, generation, options, request_hash)
     VALUES ($1, 'sess_1', 'alice', 'chat', $2, $3, '{}', '')`,
    [runId, state, generation],
  );
  const scope = { runId, sessionId: 'sess_1', generation: 1 };
  const commit = commitFenced(log, scope, async (manager, append) => {
    await manager.query(`UPDATE runs SET round = 7 WHERE id = $1`, [runId]);
    await append([{ type: 'run_queued', position: 0 }]);
  });
  await expect(commit).rejects.toBeInstanceOf(FencedError);
  expect(await dataSource.query(`SELECT round FROM runs WHERE id = $1`, [runId])).toEqual([{ round: 0 }]);
  expect(await log.read('sess_1', 0, 10)).toEqual([]);
});
