import type { EntityManager } from 'typeorm';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import { EventLog } from '../../src/events/event-log.js';
import { type EventType, isTerminalEvent } from '../../src/events/event.js';
import { findOverdueRuns } from '../../src/runs/overdue-runs.js';
import type { RunKind, RunState } from '../../src/runs/run-state.js';
import { calling, echoAndReach, follow, OWNER, type WorkerProcess, workUntil } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;
const ignore = () => undefined;

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start(echoAndReach(ignore));
});
afterEach(() => {
  vi.restoreAllMocks();
  worker.engine.clear();
});
afterAll(() => workers.close());

const askedChat = () =>
  workUntil(worker, 'run_waiting', { input: 'a' }, [calling('reach', 'a'), says('Done.')]);
const invoke = (sessionId: string, name: 'echo' | 'reach') =>
  worker.runs.invokeTool(OWNER, { session_id: sessionId, name, arguments: { value: 'own' } });
const ended = (sessionId: string, runId: string) =>
  follow(worker, sessionId, (event) => event.run_id === runId && isTerminalEvent(event));

/** No job tells of it. */
async function insertRun(
  manager: EntityManager,
  run: { id: string; sessionId: string; kind: RunKind; state: RunState; ageSeconds: number },
): Promise<void> {
  await manager.query(
    `INSERT INTO runs (id, session_id, owner, kind, state, options, request_hash, created_at)
     VALUES ($1, $2, $3, $4, $5, '{}', '', now() - make_interval(secs => $6))`,
    [run.id, run.sessionId, OWNER, run.kind, run.state, run.ageSeconds],
  );
}

/** In the transaction that first appends such an event, just before it does. */
function beforeAppending(type: EventType, arrive: (sessionId: string) => Promise<unknown>): void {
  const { append } = EventLog.prototype;
  let hasCome = false;
  vi.spyOn(EventLog.prototype, 'append').mockImplementation(async function (this: EventLog, ...args) {
    const [, sessionId, , payloads] = args;
    if (!hasCome && payloads.some((payload) => payload.type === type)) {
      hasCome = true;
      await arrive(sessionId);
    }
    return append.apply(this, args);
  });
}

/** It gives jobs to all runs that are queued; what it does last is to throw away old cancels. */
async function firstSweep(): Promise<void> {
  await workers.query(
    `INSERT INTO cancel_stash (owner, cancel_id, expires_at) VALUES ($1, 'old', now() - interval '1 minute')`,
    [OWNER],
  );
  await vi.waitFor(
    async () => expect((await workers.query(`SELECT 1 FROM cancel_stash`, [])).rows).toEqual([]),
    { timeout: 10_000 },
  );
}

/** A worker has looked at the run and found that it is not its turn. */
async function passedOver(runId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await workers.query(`SELECT state FROM pgboss.job WHERE data ->> 'runId' = $1`, [
        runId,
      ]);
      expect(rows).toEqual([{ state: 'completed' }]);
    },
    { timeout: 10_000 },
  );
}

test('a run that is made while the one before it is being cancelled gets its turn', async () => {
  const { id: sessionId } = await worker.sessions.create(OWNER, {});
  await firstSweep();
  const jobless = { id: 'run_jobless', sessionId, kind: 'chat', state: 'queued', ageSeconds: 1 } as const;
  await insertRun(worker.dataSource.manager, jobless);
  worker.engine.enqueue(says('Next.'));
  const made = Promise.withResolvers<string>();
  beforeAppending('done', async () => {
    const { run } = await worker.runs.create(OWNER, { input: 'next', session_id: sessionId });
    await passedOver(run.id);
    made.resolve(run.id);
  });
  await worker.runs.cancel(OWNER, { run_id: 'run_jobless' });
  expect((await ended(sessionId, await made.promise)).at(-1)).toMatchObject({ type: 'done' });
});

test('a tool call that is made while the run before it goes to wait gets its turn', async () => {
  const made = Promise.withResolvers<string>();
  beforeAppending('run_waiting', async (sessionId) => {
    const { run } = await invoke(sessionId, 'echo');
    await passedOver(run.id);
    made.resolve(run.id);
  });
  const { sessionId } = await askedChat();
  expect((await ended(sessionId, await made.promise)).at(-1)).toMatchObject({ type: 'done' });
});

test("a person's tool call that waits for an approval holds up no chat", async () => {
  const chat = await askedChat();
  const { run } = await invoke(chat.sessionId, 'reach');
  await follow(worker, chat.sessionId, (event) => event.type === 'run_waiting' && event.run_id === run.id);
  await worker.approvals.decide(OWNER, chat.approvalId, { decision: 'approve' });
  await ended(chat.sessionId, chat.runId);
  expect(await worker.runs.get(OWNER, run.id)).toMatchObject({ state: 'waiting_approval' });
});

test('queued for long, only what is not blocked is taken for forgotten', async () => {
  const session = await worker.sessions.create(OWNER, {});
  const other = await worker.sessions.create(OWNER, {});
  const runs = [
    { id: 'run_waits', sessionId: session.id, kind: 'chat', state: 'waiting_approval' },
    { id: 'run_behind', sessionId: session.id, kind: 'chat', state: 'queued' },
    { id: 'run_own_tool', sessionId: session.id, kind: 'tool', state: 'queued' },
    { id: 'run_at_work', sessionId: other.id, kind: 'chat', state: 'running' },
    { id: 'run_its_tool', sessionId: other.id, kind: 'tool', state: 'queued' },
  ] as const;
  const found = worker.dataSource.transaction(async (manager) => {
    for (const run of runs) await insertRun(manager, { ...run, ageSeconds: 120 });
    throw new Found(await findOverdueRuns(manager));
  });
  await expect(found).rejects.toMatchObject({ runIds: ['run_own_tool'] });
});

/** Thrown to undo what was inserted to be found. */
class Found extends Error {
  constructor(readonly runIds: readonly string[]) {
    super('Found.');
  }
}
