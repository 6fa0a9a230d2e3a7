import type { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { failedEngine } from '../../src/engine/failed-engine.js';
import { isTerminalEvent } from '../../src/events/event.js';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import { calling, follow, isDone, ofType, OWNER, responseOf, scriptedTool } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
const start: RunWorkers['start'] = (...rest) => workers.start(...rest);

beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

const never = new Promise<never>(() => undefined);
const waits = { type: 'wait', until: never } as const;

describe('a run whose worker goes', () => {
  test('continues its text from the exact prefix on the next worker', async () => {
    const first = await start([], [{ steps: [{ type: 'text', pieces: ['The sea ', 'is '] }, waits] }]);
    const { run } = await first.runs.create(OWNER, { input: 'sea' });
    await follow(
      first,
      run.session_id,
      (event) => event.type === 'chunk' && JSON.stringify(event).includes('is '),
    );
    await workers.stop(first);
    const second = await start([], [says('blue.')]);
    const events = await follow(second, run.session_id, isDone);
    expect(second.engine.requests[0]?.continueFrom).toEqual({ text: 'The sea is ', reasoning: '' });
    expect(responseOf(events).choices[0]?.message.content).toBe('The sea is blue.');
    expect(ofType(events, 'stream_reset')).toMatchObject([
      { cause: 'resumed_from_checkpoint', to_offset: 11 },
    ]);
    expect(ofType(events, 'run_started').map(({ generation }) => generation)).toEqual([1, 2]);
  });

  test('keeps the complete calls of a half-made turn and cancels the one in flight', async () => {
    const ran: string[] = [];
    const echo = scriptedTool('echo', {}, (value) => {
      ran.push(value);
      return value;
    });
    const turn = {
      steps: [
        ...calling('echo', 'complete').steps,
        { type: 'broken_call' as const, name: 'echo', arguments: '{"val' },
        waits,
      ],
    };
    const first = await start([echo], [turn]);
    const { run } = await first.runs.create(OWNER, { input: 'calls' });
    await follow(first, run.session_id, (event) => JSON.stringify(event).includes('{\\"val'));
    await workers.stop(first);
    const second = await start([echo], [says('Done.')]);
    const events = await follow(second, run.session_id, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { status: 'succeeded', result_content: 'complete' },
    ]);
    expect(ran).toEqual(['complete']);
    expect(second.engine.requests).toHaveLength(1);
  });

  test.each([
    ['pure', 'succeeded'],
    ['idempotent', 'succeeded'],
    ['effectful', 'in_doubt'],
  ] as const)('a running %s call ends as %s: only what is safe runs again', async (effect, status) => {
    let runs = 0;
    const tool = scriptedTool('work', { effect }, () => `ran ${(runs += 1)}`);
    const first = await start([tool], [calling('work', 'x'), { steps: [waits] }]);
    const { run } = await first.runs.create(OWNER, { input: 'work' });
    await follow(
      first,
      run.session_id,
      (event) => event.type === 'agentic_tool_call_progress' && event.phase === 'complete',
    );
    await workers.stop(first);
    // What a kill -9 in the middle of the call leaves behind.
    for (const change of [
      `UPDATE tool_calls SET state = 'running', result_content = NULL, finished_at = NULL WHERE run_id = $1`,
      `UPDATE runs SET round = 0 WHERE id = $1`,
      `DELETE FROM messages WHERE run_id = $1 AND role = 'tool'`,
    ])
      await workers.query(change, [run.id]);
    const second = await start([tool], [says('Done.')]);
    const events = await follow(second, run.session_id, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status }]);
    expect(runs).toBe(effect === 'effectful' ? 1 : 2);
    if (effect === 'effectful') {
      const told = second.engine.requests[0]?.messages.at(-1)?.content;
      expect(told).toContain('Whether it took effect is not known');
    }
  });

  test('waits for its approval over a restart, holding no worker', async () => {
    const tool = scriptedTool('reach', { reach: 'network' });
    const first = await start([tool], [calling('reach', 'x')]);
    const { run } = await first.runs.create(OWNER, { input: 'reach' });
    const events = await follow(first, run.session_id, (event) => event.type === 'run_waiting');
    const [asked] = ofType(events, 'agentic_tool_approval_required');
    await workers.stop(first);
    const second = await start([tool], [says('Done.')]);
    await second.approvals.decide(OWNER, asked?.approval_id ?? '', { decision: 'approve' });
    const rest = await follow(second, run.session_id, isDone);
    expect(responseOf(rest).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
  });

  test('a second worker takes over while the first process lives on, and the first can write no more', async () => {
    const gate = Promise.withResolvers<void>();
    const first = await start(
      [],
      [
        {
          steps: [
            { type: 'text', pieces: ['One '] },
            { type: 'wait', until: gate.promise },
            { type: 'text', pieces: ['stale'] },
          ],
        },
      ],
    );
    const { run } = await first.runs.create(OWNER, { input: 'fence' });
    await follow(first, run.session_id, (event) => event.type === 'chunk');
    // Either may take it now; the first under a new claim.
    first.engine.enqueue(says('two.'));
    const second = await start([], [says('two.')]);
    await workers.query(`UPDATE runs SET worker_id = 'work_gone' WHERE id = $1`, [run.id]);
    const events = await follow(second, run.session_id, isDone);
    gate.resolve();
    await workers.stop(first);
    const whole = await second.log.read(run.session_id, 0, 100);
    expect(whole).toHaveLength(events.length);
    expect(JSON.stringify(whole)).not.toContain('stale');
    expect(responseOf(events).choices[0]?.message.content).toBe('One two.');
  });
});

/** What Node says of a host whose name cannot be resolved. */
const unresolved = (host: string): Error =>
  Object.assign(new Error(`getaddrinfo EAI_AGAIN ${host}`), { code: 'EAI_AGAIN', syscall: 'getaddrinfo' });

describe('a run, where a name cannot be resolved for a moment', () => {
  test('goes on in mid-stream when it is that of the database', async () => {
    const gate = Promise.withResolvers<void>();
    const steps = [
      { type: 'text', pieces: ['The sea '] },
      { type: 'wait', until: gate.promise },
      { type: 'text', pieces: ['is blue.'] },
    ] as const;
    const worker = await start([], [{ steps }]);
    const { run } = await worker.runs.create(OWNER, { input: 'sea' });
    await follow(worker, run.session_id, (event) => event.type === 'chunk');
    const { master: pool } = worker.dataSource.driver as unknown as { readonly master: Pool };
    const connect = vi.spyOn(pool, 'connect');
    for (let times = 0; times < 3; times += 1)
      connect.mockImplementationOnce((callback) =>
        callback(unresolved('database'), undefined, () => undefined),
      );
    gate.resolve();
    await expect.poll(() => connect.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(3);
    const events = await follow(
      worker,
      run.session_id,
      (event) => isDone(event) || event.type === 'internal_error',
    );
    expect(responseOf(events).choices[0]?.message.content).toBe('The sea is blue.');
    expect(ofType(events, 'run_started')).toHaveLength(1);
  });

  test('ends when it is that of its model: that is no database that comes back', async () => {
    const cause = unresolved('model');
    const away = new EngineError('provider', 'No answer could be had from model.', { cause });
    const worker = await start([], [], {}, undefined, () => failedEngine('demo', away));
    const { run } = await worker.runs.create(OWNER, { input: 'sea' });
    const events = await follow(worker, run.session_id, isTerminalEvent);
    expect(events.at(-1)).toMatchObject({ message: 'No answer could be had from model.' });
    expect(ofType(events, 'run_started')).toHaveLength(1);
  });
});

describe('a cancel', () => {
  test('in the middle of a text keeps what was said', async () => {
    const worker = await start([], [{ steps: [{ type: 'text', pieces: ['So far'] }, waits] }]);
    const { run } = await worker.runs.create(OWNER, { input: 'talk', cancel_id: 'c1' });
    await follow(worker, run.session_id, (event) => event.type === 'chunk');
    expect(await worker.runs.cancel('mallory', { cancel_id: 'c1' })).toEqual({ cancelled: [] });
    expect(await worker.runs.cancel(OWNER, { cancel_id: 'c1' })).toEqual({ cancelled: [run.id] });
    const events = await follow(worker, run.session_id, isDone);
    expect(responseOf(events)).toMatchObject({
      stop_reason: 'cancelled',
      choices: [{ message: { content: 'So far' } }],
    });
  });

  test('that is written, and not heard of yet when the model fails, is what the run ends with', async () => {
    const goes = Promise.withResolvers<void>();
    const error = new EngineError('model_not_found', 'It was unloaded.');
    const steps = [
      { type: 'text', pieces: ['So far'] },
      { type: 'wait', until: goes.promise },
      { type: 'fail', error },
    ] as const;
    const worker = await start([], [{ steps }]);
    const { run } = await worker.runs.create(OWNER, { input: 'talk' });
    await follow(worker, run.session_id, (event) => event.type === 'chunk');
    // What the cancel writes, without the signal that follows it.
    await worker.dataSource.query(`UPDATE runs SET cancel_requested_by = $2 WHERE id = $1`, [run.id, OWNER]);
    goes.resolve();
    expect(responseOf(await follow(worker, run.session_id, isDone)).stop_reason).toBe('cancelled');
  });

  test('reaches into a tool', async () => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const tool = scriptedTool('hang', {}, async (_value, { signal }) => {
      started.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.resolve();
      return 'stopped';
    });
    const worker = await start([tool], [calling('hang', 'x')]);
    const { run } = await worker.runs.create(OWNER, { input: 'hang' });
    await started.promise;
    await worker.runs.cancel(OWNER, { session_id: run.session_id });
    await aborted.promise;
    const events = await follow(worker, run.session_id, isDone);
    expect(responseOf(events).stop_reason).toBe('cancelled');
  });

  test('that comes before its run waits for it, once', async () => {
    const worker = await start([], [says('Second.')]);
    expect(await worker.runs.cancel(OWNER, { cancel_id: 'early' })).toEqual({ cancelled: [] });
    const { run } = await worker.runs.create(OWNER, { input: 'first', cancel_id: 'early' });
    expect(run).toMatchObject({ state: 'cancelled', stop_reason: 'cancelled' });
    const next = await worker.runs.create(OWNER, { input: 'second', cancel_id: 'early' });
    const events = await follow(worker, next.run.session_id, isDone);
    expect(responseOf(events).stop_reason).toBe('stop');
  });

  test('without keys cancels nothing; queued and unknown runs are no error', async () => {
    const worker = await start([], [{ steps: [waits] }]);
    const { run } = await worker.runs.create(OWNER, { input: 'one' });
    const queued = await worker.runs.create(OWNER, { input: 'two', session_id: run.session_id });
    expect(await worker.runs.cancel(OWNER, {})).toEqual({ cancelled: [] });
    expect(await worker.runs.cancel(OWNER, { run_id: 'run_unknown' })).toEqual({ cancelled: [] });
    expect(await worker.runs.cancel(OWNER, { run_id: queued.run.id })).toEqual({
      cancelled: [queued.run.id],
    });
    expect(await worker.runs.get(OWNER, queued.run.id)).toMatchObject({ state: 'cancelled' });
    await worker.runs.cancel(OWNER, { run_id: run.id });
    await follow(worker, run.session_id, (event) => event.run_id === run.id && event.type === 'done');
  });

  test('without end: a tool that ignores its time is left behind', async () => {
    const worker = await start(
      [scriptedTool('deaf', {}, () => never)],
      [calling('deaf', 'x'), says('Gave up.')],
    );
    const { run } = await worker.runs.create(OWNER, { input: 'deaf', tool_call_timeout: 0.01 });
    const events = await follow(worker, run.session_id, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'timed_out' }]);
  });
});
