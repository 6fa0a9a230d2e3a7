import { afterEach, beforeEach, expect, test } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { GantryEvent } from '../../src/events/event.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { SandboxOccupancy, SandboxProvider } from '../../src/sandbox/sandbox.js';
import { createPythonTool } from '../../src/tools/python/python.tool.js';
import { bubblewrapProvider, describeWithBubblewrap } from '../support/bubblewrap.js';
import type { TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import {
  follow,
  newDatabase,
  ofType,
  OWNER,
  responseOf,
  startWorker,
  type WorkerProcess,
} from './run-harness.js';

const BOUND_MS = 20_000;
/** Longer than a call of one second is waited for, its time to wind up included. */
const QUEUE_WAIT_MS = 9000;

let database: TestDatabase;
let worker: WorkerProcess;
let sandboxes: SandboxProvider;

/** A worker whose sessions share a single sandbox. */
async function start(): Promise<void> {
  const limits = { ...SANDBOX_DEFAULTS.limits, maximum: 1, queueWaitMs: QUEUE_WAIT_MS };
  sandboxes = await bubblewrapProvider({ limits });
  await sandboxes.ready();
  worker = await startWorker(database, [createPythonTool(sandboxes)], [], {}, sandboxes);
}

const isPlace = (place: number) => (event: GantryEvent) =>
  event.type === 'agentic_tool_call_progress' && event.queue_position === place;
const isDone = (event: GantryEvent): boolean => event.type === 'done';

function placesIn(events: readonly GantryEvent[]): (number | undefined)[] {
  return ofType(events, 'agentic_tool_call_progress').map((event) => event.queue_position);
}

function occupancy(): SandboxOccupancy | undefined {
  return sandboxes.protections().occupancy;
}

/** A person's own call in a session of its own. */
async function invoke(code: string): Promise<{ readonly sessionId: string; readonly runId: string }> {
  const { id: sessionId } = await worker.sessions.create(OWNER, {});
  const made = await worker.runs.invokeTool(OWNER, {
    session_id: sessionId,
    name: 'python',
    arguments: { code },
  });
  return { sessionId, runId: made.run.id };
}

/** A session that has the only sandbox. */
async function occupy(): Promise<string> {
  const { sessionId } = await invoke('x = 1');
  await follow(worker, sessionId, isDone);
  expect(occupancy()).toMatchObject({ used: 1, queued: 0 });
  return sessionId;
}

describeWithBubblewrap('a call when all sandboxes are in use', () => {
  beforeEach(async () => {
    database = await newDatabase();
    await start();
  });
  afterEach(async () => {
    await worker.close();
    await database.drop();
  });

  test('clients see its place change, then it runs', async () => {
    const holder = await occupy();
    worker.engine.enqueue(calls({ name: 'python', arguments: { code: 'print("in")' } }), says('Done.'));
    const { run } = await worker.runs.create(OWNER, { input: 'go' });
    await follow(worker, run.session_id, isPlace(1));
    const behind = await invoke('print("behind")');
    await follow(worker, behind.sessionId, isPlace(2));
    expect(occupancy()).toMatchObject({ used: 1, queued: 2 });
    await sandboxes.release(holder);
    const events = await follow(worker, run.session_id, isDone);
    expect(placesIn(events)).toEqual([undefined, 1, 0, undefined]);
    const told = ofType(events, 'agentic_tool_call_progress');
    expect(told.map(({ phase, data }) => [phase, data])).toMatchObject([
      ['calling', { code: 'print("in")' }],
      ['calling', { code: 'print("in")' }],
      ['calling', { code: 'print("in")' }],
      ['complete', { stdout: 'in\n' }],
    ]);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
    await follow(worker, behind.sessionId, isPlace(1));
    await sandboxes.release(run.session_id);
    const rest = await follow(worker, behind.sessionId, isDone);
    expect(placesIn(rest)).toEqual([undefined, 2, 1, 0, undefined]);
  });

  test('the line has its own limit, not the call, and the run goes on after the refusal', async () => {
    await occupy();
    worker.engine.enqueue(calls({ name: 'python', arguments: { code: '1' } }), says('Another time.'));
    const { run } = await worker.runs.create(OWNER, { input: 'go', tool_call_timeout: 1 });
    const events = await follow(worker, run.session_id, isDone);
    const message = expect.stringContaining('none became free within 9 s') as string;
    expect(ofType(events, 'agentic_tool_call_progress').at(-1)).toMatchObject({
      phase: 'complete',
      status: 'failed',
      data: { error: { type: 'rate_limit_error', code: 'sandboxes_exhausted', retry_after_sec: 9, message } },
    });
    const told = worker.engine.requests.at(-1)?.messages.at(-1);
    expect(told).toMatchObject({
      role: 'tool',
      content: expect.stringMatching(/^\[failed, rate_limited, retry after 9 s: All sandboxes are in use/),
    });
    expect(responseOf(events).choices[0]?.message.content).toBe('Another time.');
    expect(occupancy()).toMatchObject({ used: 1, queued: 0 });
  });

  test('a cancel ends its wait and leaves no claim behind', async () => {
    const holder = await occupy();
    const { sessionId, runId } = await invoke('open("ran", "w")');
    await follow(worker, sessionId, isPlace(1));
    await worker.runs.cancel(OWNER, { run_id: runId });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events)).toMatchObject({
      stop_reason: 'cancelled',
      agentic_tool_calls: [{ status: 'cancelled', result_content: '[cancelled]' }],
    });
    expect(occupancy()).toMatchObject({ used: 1, queued: 0 });
    await sandboxes.release(holder);
    await until('no sandbox is used', BOUND_MS, () => occupancy()?.used === 0);
    expect(occupancy()).toMatchObject({ booting: 0, queued: 0 });
    expect(sandboxes.current(sessionId)).toBeUndefined();
  });

  test('a worker that stops meanwhile leaves it to the next one, as if it had not begun', async () => {
    await occupy();
    const { sessionId } = await invoke('print("once")');
    await follow(worker, sessionId, isPlace(1));
    await worker.close();
    await start();
    const events = await follow(worker, sessionId, isDone);
    expect(placesIn(events)).toEqual([undefined, 1, 0, undefined]);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { status: 'succeeded', result_content: 'once' },
    ]);
  });
});
