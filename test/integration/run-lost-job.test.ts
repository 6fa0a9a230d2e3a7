import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isTerminalEvent } from '../../src/events/event.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { TestDatabase } from '../support/test-database.js';
import { follow, newDatabase, OWNER, scriptedTool, startWorker } from './run-harness.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await newDatabase();
});
afterEach(() => database.drop());

/** As a worker leaves it that dies after it took a run's job and before it claimed the run. */
async function leaveTaken(runId: string, blockedBy: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(`UPDATE runs SET state = 'completed' WHERE id = $1`, [blockedBy]);
    const { rowCount } = await client.query(
      `UPDATE pgboss.job SET state = 'active', completed_on = NULL, heartbeat_on = now() WHERE data ->> 'runId' = $1`,
      [runId],
    );
    expect(rowCount).toBeGreaterThan(0);
  } finally {
    await client.end();
  }
}

test('a run whose job died with its taker is worked as soon as a worker starts', async () => {
  const tool = scriptedTool('reach', { reach: 'network' });
  const first = await startWorker(database, [tool], [calls({ name: 'reach', arguments: { value: 'x' } })]);
  const { run: before } = await first.runs.create(OWNER, { input: 'first' });
  await follow(first, before.session_id, (event) => event.type === 'run_waiting');
  const { run } = await first.runs.create(OWNER, { session_id: before.session_id, input: 'second' });
  await first.close();
  await leaveTaken(run.id, before.id);

  const second = await startWorker(database, [tool], [says('Here I am.')]);
  try {
    const events = await follow(
      second,
      run.session_id,
      (event) => event.run_id === run.id && isTerminalEvent(event),
    );
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  } finally {
    await second.close();
  }
});
