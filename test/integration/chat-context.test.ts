import { afterAll, beforeAll, expect, test } from 'vitest';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import { type ChatServer, sentEvents, startChatServer } from './chat-server.js';
import { scriptedTool } from './run-harness.js';

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer([scriptedTool('echo', { effect: 'pure' })]);
});
afterAll(() => server.close());

const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ');
/** More than the scripted engine's 4,096 words. */
const long = {
  model: 'scripted',
  messages: [
    { role: 'user', content: words(3000) },
    { role: 'assistant', content: words(1000) },
    { role: 'user', content: words(1000) },
  ],
};

test('a conversation of the client that is too long is refused as OpenAI refuses it, before anything is generated', async () => {
  const before = server.engine.requests.length;
  for (const options of [{}, { stream: true }, { truncation: 'disabled' }, { context_overflow: 'error' }]) {
    const response = await server.post({ ...long, ...options });
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error]).toMatchObject([
      400,
      { type: 'invalid_request_error', code: 'context_length_exceeded', param: null },
    ]);
    expect(error.message).toMatch(/takes 50\d\d tokens.* holds 4096/);
  }
  expect(server.engine.requests).toHaveLength(before);
});

test('it is shortened where the client asks for that, or for tools of the server, whose results come on top', async () => {
  for (const options of [
    { truncation: 'auto' },
    { context_overflow: 'truncate' },
    { enabled_tools: ['echo'] },
  ]) {
    server.engine.enqueue(says('Yes.'));
    expect((await server.post({ ...long, ...options })).status).toBe(200);
    expect(server.engine.requests.at(-1)?.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  }
});

test('who shows the events of tools shows a shorter context too', async () => {
  server.engine.enqueue(says('They said word.'), says('Yes.'));
  const body = { ...long, enabled_tools: ['echo'], context_overflow: 'compact', stream: true };
  const events = await sentEvents(await server.post(body));
  const compacted = events.find(({ name }) => name === 'context_compacted');
  expect(compacted?.data).toMatchObject({ turns_summarised: 1, summary: 'They said word.' });
  expect(events.at(-1)?.data).toBe('[DONE]');
});

test.each([
  [{ truncation: 'auto', context_overflow: 'error' }, 'context_overflow'],
  [{ truncation: 'disabled', context_overflow: 'compact' }, 'context_overflow'],
  [{ truncation: 'sometimes' }, 'truncation'],
  [{ context_overflow: 'ignore' }, 'context_overflow'],
])('%j is refused', async (options, param) => {
  const response = await server.post({
    model: 'scripted',
    messages: [{ role: 'user', content: 'x' }],
    ...options,
  });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: { type: 'invalid_request_error', param } },
  ]);
});
