import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { calling, ofType, responseOf, scriptedTool, type WorkerProcess, workToEnd } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start([
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

afterAll(() => workers.close());

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
    worker.engine.enqueue(calling('broken', 'x'), says('It broke.'));
    const { events } = await workToEnd(worker, { input: 'break' });
    expect(statuses(events)).toEqual(['broken failed']);
    expect(responseOf(events).choices[0]?.message.content).toBe('It broke.');
  });

  test('what no database takes as text is replaced, not fatal', async () => {
    worker.engine.enqueue(calling('nul', 'x'), says('Bytes: \u0000.'));
    const { events } = await workToEnd(worker, { input: 'nul \u0000 byte' });
    expect(responseOf(events).agentic_tool_calls[0]?.result_content).toBe('before\uFFFDafter \uFFFD');
    expect(responseOf(events).choices[0]?.message.content).toBe('Bytes: \uFFFD.');
  });

  test('the model sees head and tail of a long result, and the whole is kept', async () => {
    worker.engine.enqueue(calling('long', 'x'), says('Long.'));
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
    worker.engine.enqueue(calling('echo', '1'), calling('echo', '2'), says('Enough.'));
    const { events } = await workToEnd(worker, { input: 'loop', max_tool_rounds: 2 });
    expect(responseOf(events)).toMatchObject({
      stop_reason: 'max_tool_rounds',
      choices: [{ message: { content: 'Enough.' } }],
    });
    expect(worker.engine.requests.at(-1)?.tools).toEqual([]);
    expect(worker.engine.requests.at(-2)?.tools.length).toBeGreaterThan(0);
  });

  test('the same call again is answered from its result; the third time ends the calling', async () => {
    worker.engine.enqueue(
      calling('echo', 'x'),
      calling('echo', 'x'),
      calling('echo', 'x'),
      says('I give up.'),
    );
    const { events } = await workToEnd(worker, { input: 'stuck' });
    const contents = responseOf(events).agentic_tool_calls.map(({ result_content }) => result_content);
    expect(contents[0]).toBe('echo: x');
    expect(contents[1]).toContain('the same call ran before');
    expect(worker.engine.requests.at(-1)?.tools).toEqual([]);
  });

  test('a call after something changed is no repeat', async () => {
    worker.engine.enqueue(
      calling('look', 'x'),
      calling('echo', 'change'),
      calling('look', 'x'),
      says('Seen.'),
    );
    const { events } = await workToEnd(worker, { input: 'look twice' });
    expect(responseOf(events).agentic_tool_calls[2]?.result_content).toBe('look: x');
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

  test('a declared output that was not made comes back as a placeholder', async () => {
    worker.engine.enqueue(says('I made nothing.'));
    const { events } = await workToEnd(worker, { input: 'make it', files: [{ name: 'report.csv' }] });
    expect(responseOf(events).files).toMatchObject([{ name: 'report.csv', code: 'not_produced', bytes: 0 }]);
    expect(ofType(events, 'file')).toMatchObject([{ file: { name: 'report.csv', code: 'not_produced' } }]);
  });
});
