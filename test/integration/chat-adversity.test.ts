import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { RunView } from '../../src/runs/run-view.js';
import { RunService } from '../../src/runs/run.service.js';
import { until } from '../support/until.js';
import { scriptedTool } from './run-harness.js';
import { type ChatServer, sentEvents, startChatServer, weather } from './chat-server.js';

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer([scriptedTool('echo', { effect: 'pure' })]);
});
afterAll(() => server.close());

const hello = { model: 'scripted', messages: [{ role: 'user', content: 'Hello' }] };
const failing = (code: ConstructorParameters<typeof EngineError>[0]) => ({
  steps: [{ type: 'fail' as const, error: new EngineError(code, `It was ${code}.`) }],
});

describe('a request that cannot be served', () => {
  const part = { type: 'video_url', video_url: { url: 'data:video/mp4;base64,AA==' } };
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
  test.each([
    ['no messages', { messages: [] }, 'messages'],
    ['messages that are none', { messages: 'Hello' }, 'messages'],
    ['a role that nobody has', { messages: [{ role: 'critic', content: 'x' }] }, 'messages[0].role'],
    ['a film', { messages: [{ role: 'user', content: [part] }] }, 'messages[0].content[0].type'],
    ['an assistant who speaks last', { messages: [{ role: 'assistant', content: 'x' }] }, 'messages'],
    [
      'a result without a call',
      { messages: [{ role: 'tool', tool_call_id: 'a', content: 'x' }] },
      'messages[0].tool_call_id',
    ],
    [
      'two calls of one id',
      {
        messages: [
          { role: 'assistant', tool_calls: [call, call] },
          { role: 'user', content: 'x' },
        ],
      },
      'messages[0].tool_calls',
    ],
    ['several answers', { n: 2 }, 'n'],
    ['likeliest tokens without the tokens', { top_logprobs: 3 }, 'top_logprobs'],
    ['a forced call without tools', { tool_choice: 'required' }, 'tool_choice'],
    [
      'a forced call of what is not there',
      { tools: [weather], tool_choice: { type: 'function', function: { name: 'f' } } },
      'tool_choice',
    ],
    ['the old functions', { functions: [{ name: 'f' }] }, 'functions'],
    ['sound', { modalities: ['text', 'audio'] }, 'modalities'],
    ['a temperature that is a text', { temperature: 'warm' }, 'temperature'],
    [
      'JSON together with tools',
      { response_format: { type: 'json_object' }, tools: [weather] },
      'response_format',
    ],
    ['a tool that the server lacks', { enabled_tools: ['teleport'] }, 'enabled_tools'],
    ['a type of tool that nobody knows', { tools: [{ type: 'teleport' }] }, 'tools[0].type'],
  ])('%s is refused in OpenAI’s shape, naming what is wrong', async (_name, change, param) => {
    const response = await server.post({ ...hello, ...change });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { type: string; param: string; message: string } };
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
    expect(error.message).not.toBe('');
  });

  test('another model is never put in the place of the one asked for', async () => {
    const response = await server.post({ ...hello, model: 'gpt-9' });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { code: 'model_not_found', param: 'model', message: expect.stringContaining('scripted') } },
    ]);
  });
});

describe('what clients of OpenAI send beside what we know', () => {
  const withFunction = (more: object) => ({
    tools: [{ type: 'function', cache_control: {}, function: { ...weather.function, ...more } }],
  });
  const named = { type: 'function', function: { name: 'weather', description: null } };
  test.each([
    ['more in a function', withFunction({ cache_control: { type: 'ephemeral' } })],
    ['nulls in a function', withFunction({ description: null, parameters: null, strict: null })],
    ['a long description', withFunction({ description: 'All about the weather. '.repeat(1000) })],
    ['more in a choice of tools', { ...withFunction({}), tool_choice: { ...named, cache_control: {} } }],
    ['a prediction of the answer', { prediction: { type: 'content', content: 'Once upon a time' } }],
  ])('%s changes nothing', async (_name, change) => {
    server.engine.enqueue(says('Fine.'));
    const response = await server.post({ ...hello, ...change });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Fine.')]);
    expect(server.engine.requests.at(-1)?.prediction).toBeUndefined();
  });
});

describe('a model that fails', () => {
  test.each([
    ['context_overflow', 400, 'context_length_exceeded'],
    ['content_filtered', 400, 'content_filter'],
    ['unauthorized', 502, 'unauthorized'],
    ['all_models_unavailable', 503, 'all_models_unavailable'],
  ] as const)('%s is told by a status, streaming or not', async (code, status, told) => {
    for (const stream of [false, true]) {
      server.engine.enqueue(failing(code));
      const response = await server.post({ ...hello, stream });
      expect([response.status, await response.json()]).toMatchObject([
        status,
        { error: { code: told, message: `It was ${code}.` } },
      ]);
    }
  });

  test('in the middle of a stream is an error in it, and then [DONE]', async () => {
    const broken = { type: 'fail' as const, error: new EngineError('content_filtered', 'No more.') };
    server.engine.enqueue({ steps: [{ type: 'text', pieces: ['Once upon'] }, broken] });
    const events = await sentEvents(await server.post({ ...hello, stream: true }));
    expect(events.slice(-2).map(({ data }) => data)).toMatchObject([
      { error: { code: 'content_filter', message: 'No more.' } },
      '[DONE]',
    ]);
  });

  test('in the middle of a call that was shown is an error: a call cannot be taken back', async () => {
    server.engine.enqueue(
      {
        steps: [
          { type: 'broken_call', name: 'weather', arguments: '{"ci' },
          {
            type: 'fail',
            error: new EngineError('stream_interrupted', 'cut', { interruption: 'connection_reset' }),
          },
        ],
      },
      says('Something else.'),
    );
    const events = await sentEvents(await server.post({ ...hello, stream: true, tools: [weather] }));
    expect(events.slice(-2).map(({ data }) => data)).toMatchObject([
      { error: { code: 'stream_interrupted' } },
      '[DONE]',
    ]);
  });
});

describe('a client that goes away', () => {
  const stateOf = async (id: string): Promise<RunView['state']> =>
    (await server.get(RunService).get('alice', id)).state;

  async function leave(change: object): Promise<string> {
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    server.engine.enqueue({
      steps: [
        { type: 'text', pieces: ['Once'] },
        { type: 'wait', until: goOn },
        { type: 'text', pieces: [' more'] },
      ],
    });
    const going = new AbortController();
    const response = await server.post({ ...hello, stream: true, ...change }, { signal: going.signal });
    const first = await response.body?.getReader().read();
    const id = /"id":"(run_\w+)"/.exec(Buffer.from(first?.value ?? []).toString())?.[1];
    if (id === undefined) throw new Error('no run was named');
    going.abort();
    if ('background' in change) resolve();
    return id;
  }

  test('takes its run with it', async () => {
    const id = await leave({});
    await until('the run is cancelled', 10_000, async () => (await stateOf(id)) === 'cancelled');
  });

  test('leaves it if it said so', async () => {
    const id = await leave({ background: true });
    await until('the run is completed', 10_000, async () => (await stateOf(id)) === 'completed');
  });

  test('and comes back with the same idempotency key gets the same answer', async () => {
    server.engine.enqueue(says('Only once.'));
    const headers = { 'idempotency-key': 'key-1' };
    const [first, second] = [
      await server.post(hello, { headers }),
      await server.post({ ...hello, stream: true }, { headers }),
    ];
    expect(await first.json()).toMatchObject({ choices: [{ message: { content: 'Only once.' } }] });
    expect(await second.text()).toContain('Only once.');
    const other = await server.post({ ...hello, seed: 1 }, { headers });
    expect([other.status, await other.json()]).toMatchObject([
      409,
      { error: { code: 'idempotency_key_reused' } },
    ]);
  });

  test('can cancel by its own id', async () => {
    const { promise: forever } = Promise.withResolvers<void>();
    server.engine.enqueue({
      steps: [
        { type: 'text', pieces: ['Once'] },
        { type: 'wait', until: forever },
      ],
    });
    const response = await server.post({ ...hello, stream: true, cancel_id: 'mine' });
    await server.cancel({ cancel_id: 'mine' });
    const events = await sentEvents(response);
    expect(events.at(-2)?.data).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      stop_reason: 'cancelled',
    });
  });
});

test('a call that a person must allow waits for it in the open stream', async () => {
  server.engine.enqueue(calls({ name: 'echo', arguments: { value: 'x' } }), says('Allowed.'));
  const response = await server.post({ ...hello, stream: true, enable_tools: true, agent_permission: 'ask' });
  const approval = await until('an approval is asked', 10_000, () => server.pendingApproval());
  await server.decide(approval, 'approve');
  const events = await sentEvents(response);
  const names = events.flatMap(({ name }) => name ?? []);
  expect(names).toEqual([
    'agentic_tool_call_progress',
    'agentic_tool_approval_required',
    'agentic_tool_approval_resolved',
    'agentic_tool_call_progress',
  ]);
  expect(JSON.stringify(events)).toContain('Allowed.');
});
