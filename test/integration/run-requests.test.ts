import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import {
  calling,
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  scriptedTool,
  type WorkerProcess,
  workToEnd,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start([scriptedTool('echo')]);
});

afterAll(() => workers.close());

describe('what is asked of a run', () => {
  test('queued behind another run of its session it does not see the future, nor the other it', async () => {
    const gate = Promise.withResolvers<void>();
    worker.engine.enqueue(
      {
        steps: [
          { type: 'wait', until: gate.promise },
          { type: 'text', pieces: ['One.'] },
        ],
      },
      says('Two.'),
    );
    const first = await worker.runs.create(OWNER, { input: 'first' });
    const second = await worker.runs.create(OWNER, { input: 'second', session_id: first.run.session_id });
    await follow(worker, first.run.session_id, (event) => event.type === 'run_started');
    gate.resolve();
    await follow(
      worker,
      first.run.session_id,
      (event) => event.run_id === second.run.id && event.type === 'done',
    );
    expect(worker.engine.requests.at(-2)?.messages.slice(1)).toEqual([{ role: 'user', content: 'first' }]);
    expect(worker.engine.requests.at(-1)?.messages.slice(1)).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'One.', toolCalls: [] },
      { role: 'user', content: 'second' },
    ]);
  });

  test('steering joins at the next round', async () => {
    const gate = Promise.withResolvers<void>();
    worker.engine.enqueue(
      { steps: [{ type: 'wait', until: gate.promise }, ...calling('echo', '1').steps] },
      says('Done.'),
    );
    const { run } = await worker.runs.create(OWNER, { input: 'start' });
    await follow(worker, run.session_id, (event) => event.type === 'run_started');
    await worker.runs.steer(OWNER, run.id, 'and hurry');
    gate.resolve();
    await follow(worker, run.session_id, isDone);
    expect(worker.engine.requests.at(-1)?.messages.at(-1)).toEqual({ role: 'user', content: 'and hurry' });
    await expect(worker.runs.steer(OWNER, run.id, 'too late')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('what steers a run that then fails is in the history, for the next run to read', async () => {
    const gate = Promise.withResolvers<void>();
    const broken = { type: 'fail', error: new EngineError('content_filtered', 'No more.') } as const;
    worker.engine.enqueue(
      { steps: [{ type: 'text', pieces: ['Well'] }, { type: 'wait', until: gate.promise }, broken] },
      says('Done.'),
    );
    const { run } = await worker.runs.create(OWNER, { input: 'start' });
    await follow(worker, run.session_id, (event) => event.type === 'chunk');
    await worker.runs.steer(OWNER, run.id, 'and hurry');
    await worker.runs.steer(OWNER, run.id, 'but mind the step');
    gate.resolve();
    const failed = await follow(worker, run.session_id, (event) => event.type === 'model_error');
    expect(ofType(failed, 'message').map(({ content }) => content)).toEqual([
      'start',
      'and hurry',
      'but mind the step',
    ]);
    await workToEnd(worker, { input: 'again', session_id: run.session_id });
    const read = worker.engine.requests.at(-1)?.messages.map(({ content }) => content);
    expect(read?.slice(1)).toEqual(['start', 'Well', 'and hurry', 'but mind the step', 'again']);
  });

  test('no more calls are carried out than the run may make, though one turn asks for more', async () => {
    const asked = ['1', '2', '3'].map((value) => ({ name: 'echo', arguments: { value } }));
    worker.engine.enqueue(calls(...asked), says('Done.'));
    const { events } = await workToEnd(worker, { input: 'thrice', max_tool_calls: 2 });
    const response = responseOf(events);
    expect(response.agentic_tool_calls.map((call) => [call.status, call.result_content])).toEqual([
      ['succeeded', 'echo: 1'],
      ['succeeded', 'echo: 2'],
      ['failed', 'This run has made all of its 2 tool calls.'],
    ]);
    expect(response.stop_reason).toBe('budget');
    expect(worker.engine.requests.at(-1)?.tools).toEqual([]);
  });

  test('a client function is handed out and its result goes on', async () => {
    const tools = [
      { type: 'function' as const, function: { name: 'get_weather', parameters: { type: 'object' } } },
    ];
    worker.engine.enqueue(calls({ name: 'get_weather', arguments: { city: 'Oslo' } }), says('4 C.'));
    const { run } = await worker.runs.create(OWNER, { input: 'weather?', tools });
    const waiting = await follow(worker, run.session_id, (event) => event.type === 'run_waiting');
    const [handed] = ofType(waiting, 'client_tool_call');
    expect(handed).toMatchObject({ tool_name: 'get_weather', arguments: { city: 'Oslo' } });
    const answer = { tool_call_id: handed?.tool_call_id ?? '', content: '4 C, rain' };
    await expect(worker.runs.submitToolResult('mallory', answer)).rejects.toMatchObject({
      code: 'not_found',
    });
    await worker.runs.submitToolResult(OWNER, answer);
    await expect(worker.runs.submitToolResult(OWNER, answer)).rejects.toMatchObject({ code: 'conflict' });
    await follow(worker, run.session_id, isDone);
    expect(worker.engine.requests.at(-1)?.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: '4 C, rain',
    });
  });

  test('an idempotency key makes one run, and another request under it is a conflict', async () => {
    worker.engine.enqueue(says('Once.'));
    const request = { input: 'once', idempotency_key: 'key-1' };
    const [a, b] = await Promise.all([
      worker.runs.create(OWNER, request),
      worker.runs.create(OWNER, request),
    ]);
    expect(a.run.id).toBe(b.run.id);
    expect(new Set([a.created, b.created])).toEqual(new Set([false, true]));
    await expect(worker.runs.create(OWNER, { ...request, input: 'twice' })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('a person runs a tool in the session under the same events', async () => {
    const session = await worker.sessions.create(OWNER, {});
    const { run } = await worker.runs.invokeTool(OWNER, {
      session_id: session.id,
      name: 'echo',
      arguments: { value: 'hi' },
    });
    const events = await follow(worker, session.id, isDone);
    expect(responseOf(events)).toMatchObject({
      id: run.id,
      agentic_tool_calls: [{ result_content: 'echo: hi' }],
    });
    await expect(
      worker.runs.invokeTool(OWNER, { session_id: session.id, name: 'echo', arguments: { value: 1 } }),
    ).rejects.toMatchObject({ code: 'invalid_request', param: 'arguments.value' });
    await expect(
      worker.runs.invokeTool('mallory', { session_id: session.id, name: 'echo', arguments: { value: 'x' } }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });
});
