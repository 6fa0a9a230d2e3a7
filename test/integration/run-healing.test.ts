import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { says, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import {
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  echoAndReach,
  type WorkerProcess,
  workToEnd,
  workUntil,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;
let ran: string[] = [];
const tools = echoAndReach((value) => ran.push(value));

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start(tools);
});
beforeEach(() => {
  ran = [];
});
afterAll(() => workers.close());

function written(name: string, value: string): string {
  return `<tool_call>\n{"name": "${name}", "arguments": {"value": "${value}"}}\n</tool_call>`;
}

function inPieces(text: string): ScriptedTurn {
  return { steps: [{ type: 'text', pieces: text.match(/[^]{1,7}/g) ?? [] }] };
}

describe('a call that the model writes as text', () => {
  test('is run, and the text before it stays', async () => {
    worker.engine.enqueue(inPieces(`Let me see. ${written('echo', 'a')}`), says('It said a.'));
    const { events } = await workToEnd(worker, { input: 'go' });
    const response = responseOf(events);
    expect(response.choices[0]?.message.content).toBe('It said a.');
    expect(response.agentic_tool_calls).toMatchObject([
      { name: 'echo', status: 'succeeded', result_content: 'echo: a' },
    ]);
    expect(ran).toEqual(['a']);
    expect(JSON.stringify(events)).not.toContain('<tool');
    expect(ofType(events, 'chunk').map(({ choices }) => choices[0]?.finish_reason)).toContain('tool_calls');
    expect(worker.engine.requests.at(-1)?.messages.slice(-2)).toMatchObject([
      {
        role: 'assistant',
        content: 'Let me see. ',
        toolCalls: [{ name: 'echo', arguments: '{"value":"a"}' }],
      },
      { role: 'tool', content: 'echo: a' },
    ]);
  });

  test('is asked for like any other', async () => {
    const turns = [inPieces(written('reach', 'out')), says('Reached.')];
    const { sessionId, approvalId, asked } = await workUntil(
      worker,
      'run_waiting',
      { input: 'reach' },
      turns,
    );
    expect(asked).toMatchObject([{ tool_name: 'reach', arguments: { value: 'out' } }]);
    expect(ran).toEqual([]);
    await worker.approvals.decide(OWNER, approvalId, { decision: 'approve' });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
  });

  test.each([
    ['by choice', { auto_heal_tool_calls: false }, written('echo', 'a')],
    ['of a tool that is not enabled', { enabled_tools: ['reach'] }, written('echo', 'a')],
    ['in a code fence', {}, `\`\`\`xml\n${written('echo', 'a')}\n\`\`\``],
    ['where no tools are left', { max_tool_rounds: 0 }, written('echo', 'a')],
  ])('stays text %s', async (_why, options, text) => {
    worker.engine.enqueue(inPieces(text));
    const { events } = await workToEnd(worker, { input: 'go', ...options });
    expect(responseOf(events).choices[0]?.message.content).toBe(text);
    expect(ran).toEqual([]);
  });

  test('is made anew when the engine breaks in the middle of it, from the text before it', async () => {
    const error = new EngineError('stream_interrupted', 'gone', { interruption: 'engine_crash' });
    const call = written('echo', 'a');
    worker.engine.enqueue(
      {
        steps: [
          { type: 'text', pieces: ['So: ', call.slice(0, 30)] },
          { type: 'fail', error },
        ],
      },
      inPieces(call),
      says('Done.'),
    );
    const { events } = await workToEnd(worker, { input: 'go' });
    expect(worker.engine.requests.at(-2)?.continueFrom).toEqual({ text: 'So: ', reasoning: '' });
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
    expect(ran).toEqual(['a']);
  });

  test('is kept when the engine breaks after it', async () => {
    const error = new EngineError('stream_interrupted', 'gone', { interruption: 'engine_crash' });
    const text = { type: 'text' as const, pieces: ['So: ', `${written('echo', 'a')} and`] };
    worker.engine.enqueue({ steps: [text, { type: 'fail', error }] }, says('Done.'));
    const { events } = await workToEnd(worker, { input: 'go' });
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
    expect(worker.engine.requests.at(-1)?.messages.at(-2)).toMatchObject({ content: 'So:  and' });
  });

  test('is let go with its worker and made by the next one', async () => {
    const call = written('echo', 'late');
    const first = await workers.start(tools, [
      {
        steps: [
          { type: 'text', pieces: ['So: ', call.slice(0, 30)] },
          { type: 'wait', until: new Promise(() => undefined) },
        ],
      },
    ]);
    await workers.stop(worker);
    const { run } = await first.runs.create(OWNER, { input: 'go' });
    await follow(first, run.session_id, (event) => JSON.stringify(event).includes('So: '));
    await workers.stop(first);
    worker = await workers.start(tools, [inPieces(call), says('Done.')]);
    const events = await follow(worker, run.session_id, isDone);
    expect(worker.engine.requests[0]?.continueFrom).toEqual({ text: 'So: ', reasoning: '' });
    expect(responseOf(events).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
    expect(ran).toEqual(['late']);
  });
});
