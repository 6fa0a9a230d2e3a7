import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { scriptedTool } from './run-harness.js';
import { type ChatServer, sentEvents, startChatServer, weather } from './chat-server.js';

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer([scriptedTool('echo', { effect: 'pure' })]);
});
afterAll(() => server.close());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const user = (content: string) => ({ role: 'user' as const, content });
const hello = { model: 'scripted', messages: [user('Hello')] };

describe('one answer at once', () => {
  test('has the shape that the SDK knows, and the session beside it', async () => {
    server.engine.enqueue(says('Hello there.'));
    const completion = await server.alice.chat.completions.create(hello);
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'scripted',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello there.' },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
      session_id: expect.stringMatching(/^sess_/),
    });
    expect(completion.usage?.total_tokens).toBe(
      (completion.usage?.prompt_tokens ?? 0) + (completion.usage?.completion_tokens ?? 0),
    );
    expect(completion.choices[0]?.message.tool_calls).toBeUndefined();
  });

  test('is made from the whole conversation of the request', async () => {
    server.engine.enqueue(says('Sunny, as I said.'));
    await server.alice.chat.completions.create({
      model: 'scripted',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        user('Weather in Rome?'),
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: '0', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          ],
        },
        { role: 'tool', tool_call_id: '0', content: 'sunny' },
        { role: 'assistant', content: 'Sunny.' },
        user('And Oslo?'),
        {
          role: 'assistant',
          content: 'Let me see.',
          tool_calls: [
            { id: '0', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
          ],
        },
        { role: 'tool', tool_call_id: '0', content: 'rain' },
        { role: 'assistant', content: 'Rain.' },
        user('Rome again?'),
      ],
    });
    const { messages, tools } = server.engine.requests.at(-1) ?? { messages: [], tools: [] };
    expect(tools).toEqual([]);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'Be brief.\n\nBe kind.'],
      ['user', 'Weather in Rome?'],
      ['assistant', ''],
      ['tool', 'sunny'],
      ['assistant', 'Sunny.'],
      ['user', 'And Oslo?'],
      ['assistant', 'Let me see.'],
      ['tool', 'rain'],
      ['assistant', 'Rain.'],
      ['user', 'Rome again?'],
    ]);
    expect(messages.flatMap((message) => (message.role === 'tool' ? [message.name] : []))).toEqual([
      'weather',
      'weather',
    ]);
  });

  test('takes nulls for what was not set, and fields of other servers', async () => {
    server.engine.enqueue(says('Yes.'));
    const response = await server.post({
      ...hello,
      tools: null,
      tool_choice: null,
      temperature: null,
      stop: null,
      stream: null,
      response_format: null,
      n: 1,
      user: 'u1',
      chat_template_kwargs: { enable_thinking: false },
    });
    expect(response.status).toBe(200);
  });

  test('passes on sampling, the kind of answer and the newer name of max_tokens', async () => {
    server.engine.enqueue(says('{}'));
    await server.alice.chat.completions.create({
      ...hello,
      temperature: 0.3,
      seed: -7,
      max_completion_tokens: 12,
      stop: ['END'],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
    });
    expect(server.engine.requests.at(-1)).toMatchObject({
      sampling: { temperature: 0.3, seed: -7, maxTokens: 12, stop: ['END'] },
      responseFormat: { type: 'json', schema: { type: 'object' } },
    });
  });
});

describe('a streamed answer', () => {
  test('comes in chunks that the SDK joins, with usage if asked for', async () => {
    server.engine.enqueue({
      steps: [
        { type: 'reasoning', pieces: ['Hm.'] },
        { type: 'text', pieces: ['Hello', ' there', '.'] },
      ],
    });
    const stream = server.alice.chat.completions.stream({
      ...hello,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'Hello there.' },
    });
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
  });

  test('is unnamed events with ids, ends by [DONE], and tells the session at its end', async () => {
    server.engine.enqueue(says('Hello.'));
    const response = await server.post({ ...hello, stream: true });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = await sentEvents(response);
    expect(events.every(({ name }) => name === undefined)).toBe(true);
    expect(events.at(-1)?.data).toBe('[DONE]');
    expect(events.at(-2)?.data).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      session_id: expect.stringMatching(/^sess_/),
    });
    expect(events.some(({ data }) => typeof data === 'object' && data !== null && 'usage' in data)).toBe(
      false,
    );
  });

  test('goes on without repeats when the model broke off in the middle', async () => {
    server.engine.enqueue(
      {
        steps: [
          { type: 'text', pieces: ['One, two'] },
          {
            type: 'fail',
            error: new EngineError('stream_interrupted', 'cut', { interruption: 'connection_reset' }),
          },
        ],
      },
      says(', three.'),
    );
    const events = await sentEvents(await server.post({ ...hello, stream: true }));
    const text = events
      .map(
        ({ data }) =>
          (data as { choices?: { delta?: { content?: string } }[] }).choices?.[0]?.delta?.content ?? '',
      )
      .join('');
    expect(text).toBe('One, two, three.');
    expect(server.engine.requests.at(-1)?.continueFrom?.text).toBe('One, two');
  });
});

describe('functions of the client', () => {
  test('are given back, and their results come with the next request', async () => {
    server.engine.enqueue(calls({ name: 'weather', arguments: { city: 'Rome' } }), says('It is sunny.'));
    const first = await server.alice.chat.completions.create({ ...hello, tools: [weather] });
    const [choice] = first.choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [{ type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
    });
    const message = choice?.message;
    const call = message?.tool_calls?.[0];
    if (message === undefined || call === undefined) throw new Error('no call');
    const second = await server.alice.chat.completions.create({
      model: 'scripted',
      tools: [weather],
      messages: [...hello.messages, message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }],
    });
    expect(second.choices[0]?.message.content).toBe('It is sunny.');
    const seen = server.engine.requests.at(-1)?.messages ?? [];
    expect(seen.slice(1).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Hello'],
      ['assistant', ''],
      ['tool', 'sunny'],
    ]);
  });

  test('may have the name of a server tool that is off', async () => {
    const echo = { type: 'function' as const, function: { name: 'echo', parameters: { type: 'object' } } };
    server.engine.enqueue(calls({ name: 'echo', arguments: { any: 'thing' } }));
    const completion = await server.alice.chat.completions.create({ ...hello, tools: [echo] });
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
    const clash = await server.post({ ...hello, tools: [echo], enable_tools: true });
    expect(clash.status).toBe(400);
  });

  test('stream as they are made, one after the other, with an empty object for no arguments', async () => {
    server.engine.enqueue({
      steps: [
        { type: 'text', pieces: ['Two calls.'] },
        { type: 'call', name: 'weather', arguments: '{"city":"Rome"}' },
        { type: 'call', name: 'weather', arguments: '' },
      ],
    });
    const stream = server.alice.chat.completions.stream({ ...hello, tools: [weather] });
    const { choices } = await stream.finalChatCompletion();
    expect(choices[0]?.message.content).toBe('Two calls.');
    expect(
      choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && call.function.arguments),
    ).toEqual(['{"city":"Rome"}', '{}']);
    expect(choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('are not offered where the request says none', async () => {
    server.engine.enqueue(says('No calls.'));
    await server.alice.chat.completions.create({ ...hello, tools: [weather], tool_choice: 'none' });
    expect(server.engine.requests.at(-1)?.tools).toEqual([]);
  });
});

describe('tools of the server', () => {
  test('run in the server; their events are named and their calls no part of the chunks', async () => {
    server.engine.enqueue(calls({ name: 'echo', arguments: { value: 'x' } }), says('It said x.'));
    const events = await sentEvents(await server.post({ ...hello, stream: true, enable_tools: true }));
    const chunks = events.filter(({ name }) => name === undefined).map(({ data }) => JSON.stringify(data));
    expect(chunks.join('')).toContain('It said x.');
    expect(chunks.join('')).not.toContain('tool_calls');
    const progress = events.filter(({ name }) => name === 'agentic_tool_call_progress');
    expect(progress.map(({ data }) => data)).toMatchObject([
      { type: 'agentic_tool_call_progress', phase: 'calling', tool_name: 'echo' },
      { type: 'agentic_tool_call_progress', phase: 'complete', tool_name: 'echo' },
    ]);
  });

  test('are on by their name too, and their records are in the whole answer', async () => {
    server.engine.enqueue(calls({ name: 'echo', arguments: { value: 'y' } }), says('Done.'));
    const response = await server.post({ ...hello, enabled_tools: ['echo'] });
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: 'Done.' }, finish_reason: 'stop' }],
      agentic_tool_calls: [{ name: 'echo', result_content: 'echo: y' }],
    });
  });

  test('are off unless the request asks', async () => {
    server.engine.enqueue(says('Hi.'));
    await server.alice.chat.completions.create(hello);
    expect(server.engine.requests.at(-1)?.tools).toEqual([]);
  });
});

test('the list of models has this one, and no other', async () => {
  const models = await all(server.alice.models.list());
  expect(models).toMatchObject([{ id: 'scripted', object: 'model' }]);
  expect(await server.alice.models.retrieve('scripted')).toMatchObject({ id: 'scripted' });
  await expect(server.alice.models.retrieve('gpt-9')).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
  });
});
