import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { PostgresRunJournal } from '../../src/runs/run-journal.js';
import {
  calling,
  echoAndReach,
  follow,
  isDone,
  OWNER,
  responseOf,
  type WorkerProcess,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;
const executed: string[] = [];

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start(echoAndReach((value) => executed.push(value)));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => workers.close());

/** After the worker decided that its run has to wait, and before it has written that down. */
function beforeTheWait(arrive: (runId: string) => Promise<unknown>): void {
  const { wait } = PostgresRunJournal.prototype;
  vi.spyOn(PostgresRunJournal.prototype, 'wait').mockImplementationOnce(async function (
    this: PostgresRunJournal,
    ...args
  ) {
    await arrive((await this.load()).runId);
    return wait.apply(this, args);
  });
}

test('a cancel that comes just before the run waits ends it', async () => {
  worker.engine.enqueue(calling('reach', 'cancelled'));
  beforeTheWait((runId) => worker.runs.cancel(OWNER, { run_id: runId }));
  const { run } = await worker.runs.create(OWNER, { input: 'cancel', approval_timeout: null });
  const events = await follow(
    worker,
    run.session_id,
    ({ type }) => type === 'done' || type === 'run_waiting',
  );
  expect(responseOf(events).stop_reason).toBe('cancelled');
  expect(executed).not.toContain('cancelled');
});

test.each([
  ['parallel_streaming', ['first']],
  ['parallel_batch_approval', []],
] as const)('%s: an approval that comes just before the run waits is heeded', async (mode, ranBefore) => {
  executed.length = 0;
  const asked = ['first', 'second'].map((value) => ({ name: 'reach', arguments: { value } }));
  worker.engine.enqueue(calls(...asked), says('Both.'));
  beforeTheWait(approveNext);
  const { run } = await worker.runs.create(OWNER, {
    input: 'two',
    tool_execution_mode: mode,
    approval_timeout: null,
  });
  const events = await follow(worker, run.session_id, ({ type }) => type === 'run_waiting');
  expect(executed).toEqual(ranBefore);
  await approveNext(run.id);
  await follow(worker, run.session_id, isDone, events.at(-1)?.seq);
  expect(executed.toSorted()).toEqual(['first', 'second']);
});

/** The oldest of what the run asks. */
async function approveNext(runId: string): Promise<void> {
  const pending = await worker.approvals.list(OWNER, { status: 'pending' });
  const next = pending.find(({ run_id }) => run_id === runId);
  await worker.approvals.decide(OWNER, next?.id ?? '', { decision: 'approve' });
}
