import { afterEach, beforeEach, expect, test } from 'vitest';
import { isTerminalEvent } from '../../src/events/event.js';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import { calling, follow, OWNER, scriptedTool } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

/** As a worker leaves it that dies after it took a run's job and before it claimed the run. */
async function leaveTaken(runId: string, blockedBy: string): Promise<void> {
  await workers.query(`UPDATE runs SET state = 'completed' WHERE id = $1`, [blockedBy]);
  const { rowCount } = await workers.query(
    `UPDATE pgboss.job SET state = 'active', completed_on = NULL, heartbeat_on = now() WHERE data ->> 'runId' = $1`,
    [runId],
  );
  expect(rowCount).toBeGreaterThan(0);
}

test('a run whose job died with its taker is worked as soon as a worker starts', async () => {
  const tool = scriptedTool('reach', { reach: 'network' });
  const first = await workers.start([tool], [calling('reach', 'x')]);
  const { run: before } = await first.runs.create(OWNER, { input: 'first' });
  await follow(first, before.session_id, (event) => event.type === 'run_waiting');
  const { run } = await first.runs.create(OWNER, { session_id: before.session_id, input: 'second' });
  await workers.stop(first);
  await leaveTaken(run.id, before.id);

  const second = await workers.start([tool], [says('Here I am.')]);
  const events = await follow(
    second,
    run.session_id,
    (event) => event.run_id === run.id && isTerminalEvent(event),
  );
  expect(events.at(-1)).toMatchObject({ type: 'done' });
});
