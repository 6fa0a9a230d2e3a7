import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { TestDatabase } from '../support/test-database.js';
import {
  follow,
  newDatabase,
  ofType,
  OWNER,
  responseOf,
  scriptedTool,
  startWorker,
  type WorkerProcess,
  workToEnd,
} from './run-harness.js';

let database: TestDatabase;
let worker: WorkerProcess;

beforeAll(async () => {
  database = await newDatabase();
  worker = await startWorker(database, [
    scriptedTool('echo'),
    scriptedTool('look', { effect: 'pure' }),
    scriptedTool('reach', { reach: 'network' }),
    scriptedTool('long', {}, () => `${'a'.repeat(30_000)}END`),
    scriptedTool('nul', {}, () => 'before\u0000after \ud800'),
    scriptedTool('broken', {}, () => {
      throw new Error('the tool broke');
    }),
  ]);
});

afterAll(async () => {
  await worker.close();
  await database.drop();
});

const call = (name: string, value: string) => calls({ name, arguments: { value } });
const statuses = (events: Parameters<typeof responseOf>[0]) =>
  responseOf(events).agentic_tool_calls.map(({ name, status }) => `${name} ${status}`);

describe('a run', () => {
  test('answers, and the server keeps the history', async () => {
    worker.engine.enqueue(says('Hello Ada.'), says('Ada.'));
    const first = await workToEnd(worker, { input: 'My name is Ada' });
    expect(first.events.map(({ type }) => type)).toEqual([
      'message',
      'run_queued',
      'run_started',
      'chunk',
      'chunk',
      'done',
    ]);
    await workToEnd(worker, { input: 'What is my name?', session_id: first.sessionId });
    expect(worker.engine.requests.at(-1)?.messages.slice(1)).toEqual([
      { role: 'user', content: 'My name is Ada' },
      { role: 'assistant', content: 'Hello Ada.', toolCalls: [] },
      { role: 'user', content: 'What is my name?' },
    ]);
  });

  test('runs all calls of a turn and gives their results back in call order', async () => {
    worker.engine.enqueue(
      calls({ name: 'echo', arguments: { value: '1' } }, { name: 'look', arguments: { value: '2' } }),
      says('Both.'),
    );
    const { events } = await workToEnd(worker, { input: 'two' });
    expect(responseOf(events)).toMatchObject({
      stop_reason: 'stop',
      choices: [{ message: { content: 'Both.' } }],
    });
    const results = worker.engine.requests.at(-1)?.messages.filter((message) => message.role === 'tool');
    expect(results?.map((message) => message.content)).toEqual(['echo: 1', 'look: 2']);
    const order = ofType(events, 'agentic_tool_call_progress').map(({ phase }) => phase);
    expect(order).toEqual(['calling', 'calling', 'complete', 'complete']);
  });

  test('an unknown tool and bad arguments become results that the model can read', async () => {
    worker.engine.enqueue(
      calls({ name: 'nowhere', arguments: {} }, { name: 'echo', arguments: { value: 5 } }),
      { steps: [{ type: 'call', name: 'echo', arguments: '{"value": ' }] },
      says('Sorry.'),
    );
    const { events } = await workToEnd(worker, { input: 'go wrong' });
    expect(statuses(events)).toEqual(['nowhere failed', 'echo failed', 'echo failed']);
    const contents = responseOf(events).agentic_tool_calls.map(({ result_content }) => result_content);
    expect(contents[0]).toContain('there is no tool named "nowhere"');
    expect(contents[0]).toContain('echo');
    expect(contents[1]).toContain('value');
    expect(contents[2]).toContain('not valid JSON');
    const replayed = worker.engine.requests
      .at(-1)
      ?.messages.findLast((message) => message.role === 'assistant');
    expect(replayed).toMatchObject({ toolCalls: [{ arguments: '{}' }] });
  });

  test('a prototype name is an unknown tool', async () => {
    worker.engine.enqueue(
      calls({ name: '__proto__', arguments: {} }, { name: 'constructor', arguments: {} }),
      says('No.'),
    );
    const { events } = await workToEnd(worker, { input: 'attack' });
    expect(statuses(events)).toEqual(['__proto__ failed', 'constructor failed']);
  });

  test('a tool that throws has failed, and the run goes on', async () => {
    worker.engine.enqueue(call('broken', 'x'), says('It broke.'));
    const { events } = await workToEnd(worker, { input: 'break' });
    expect(statuses(events)).toEqual(['broken failed']);
    expect(responseOf(events).choices[0]?.message.content).toBe('It broke.');
  });

  test('what no database takes as text is replaced, not fatal', async () => {
    worker.engine.enqueue(call('nul', 'x'), says('Bytes: \u0000.'));
    const { events } = await workToEnd(worker, { input: 'nul \u0000 byte' });
    expect(responseOf(events).agentic_tool_calls[0]?.result_content).toBe('before\uFFFDafter \uFFFD');
    expect(responseOf(events).choices[0]?.message.content).toBe('Bytes: \uFFFD.');
  });

  test('the model sees head and tail of a long result, and the whole is kept', async () => {
    worker.engine.enqueue(call('long', 'x'), says('Long.'));
    const { events, sessionId } = await workToEnd(worker, { input: 'long' });
    const content = responseOf(events).agentic_tool_calls[0]?.result_content ?? '';
    expect(content.length).toBeLessThan(17_000);
    expect(content).toMatch(/\[\d+ bytes cut; read_file tool-output\/call_\w+\.txt has the whole\]/);
    expect(content.endsWith('END')).toBe(true);
    const [kept] = await worker.dataSource.query<{ bytes: string }[]>(
      `SELECT bytes FROM files JOIN workspace_entries ON file_id = files.id WHERE workspace_entries.session_id = $1`,
      [sessionId],
    );
    expect(Number(kept?.bytes)).toBe(30_003);
  });

  test('at its limit it gets one last turn without tools', async () => {
    worker.engine.enqueue(call('echo', '1'), call('echo', '2'), says('Enough.'));
    const { events } = await workToEnd(worker, { input: 'loop', max_tool_rounds: 2 });
    expect(responseOf(events)).toMatchObject({
      stop_reason: 'max_tool_rounds',
      choices: [{ message: { content: 'Enough.' } }],
    });
    expect(worker.engine.requests.at(-1)?.tools).toEqual([]);
    expect(worker.engine.requests.at(-2)?.tools.length).toBeGreaterThan(0);
  });

  test('the same call again is answered from its result; the third time ends the calling', async () => {
    worker.engine.enqueue(call('echo', 'x'), call('echo', 'x'), call('echo', 'x'), says('I give up.'));
    const { events } = await workToEnd(worker, { input: 'stuck' });
    const contents = responseOf(events).agentic_tool_calls.map(({ result_content }) => result_content);
    expect(contents[0]).toBe('echo: x');
    expect(contents[1]).toContain('the same call ran before');
    expect(worker.engine.requests.at(-1)?.tools).toEqual([]);
  });

  test('a call after something changed is no repeat', async () => {
    worker.engine.enqueue(call('look', 'x'), call('echo', 'change'), call('look', 'x'), says('Seen.'));
    const { events } = await workToEnd(worker, { input: 'look twice' });
    expect(responseOf(events).agentic_tool_calls[2]?.result_content).toBe('look: x');
  });

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
      { steps: [{ type: 'wait', until: gate.promise }, ...call('echo', '1').steps] },
      says('Done.'),
    );
    const { run } = await worker.runs.create(OWNER, { input: 'start' });
    await follow(worker, run.session_id, (event) => event.type === 'run_started');
    await worker.runs.steer(OWNER, run.id, 'and hurry');
    gate.resolve();
    await follow(worker, run.session_id, (event) => event.type === 'done');
    expect(worker.engine.requests.at(-1)?.messages.at(-1)).toEqual({ role: 'user', content: 'and hurry' });
    await expect(worker.runs.steer(OWNER, run.id, 'too late')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a broken stream goes on from its prefix', async () => {
    const error = new EngineError('stream_interrupted', 'The host died.', { interruption: 'engine_crash' });
    worker.engine.enqueue(
      {
        steps: [
          { type: 'text', pieces: ['The sea ', 'is '] },
          { type: 'fail', error },
        ],
      },
      says('blue.'),
    );
    const { events } = await workToEnd(worker, { input: 'sea' });
    expect(responseOf(events).choices[0]?.message.content).toBe('The sea is blue.');
    expect(worker.engine.requests.at(-1)?.continueFrom).toEqual({ text: 'The sea is ', reasoning: '' });
    expect(ofType(events, 'stream_reset')).toMatchObject([
      { to_offset: 11, cause: 'engine_crash', attempt: 1 },
    ]);
  });

  test('an engine that stays broken ends the run with what there is', async () => {
    const error = new EngineError('content_filtered', 'Not this.');
    worker.engine.enqueue({
      steps: [
        { type: 'text', pieces: ['Half'] },
        { type: 'fail', error },
      ],
    });
    const { events, sessionId } = await workToEnd(worker, { input: 'fail' });
    expect(events.at(-1)).toMatchObject({
      type: 'model_error',
      code: 'content_filtered',
      message: 'Not this.',
    });
    worker.engine.enqueue(says('Yes.'));
    await workToEnd(worker, { input: 'still there?', session_id: sessionId });
    expect(worker.engine.requests.at(-1)?.messages).toContainEqual({
      role: 'assistant',
      content: 'Half',
      toolCalls: [],
    });
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
    await follow(worker, run.session_id, (event) => event.type === 'done');
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
    const events = await follow(worker, session.id, (event) => event.type === 'done');
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

  test('a declared output that was not made comes back as a placeholder', async () => {
    worker.engine.enqueue(says('I made nothing.'));
    const { events } = await workToEnd(worker, { input: 'make it', files: [{ name: 'report.csv' }] });
    expect(responseOf(events).files).toMatchObject([{ name: 'report.csv', code: 'not_produced', bytes: 0 }]);
    expect(ofType(events, 'file')).toMatchObject([{ file: { name: 'report.csv', code: 'not_produced' } }]);
  });
});
