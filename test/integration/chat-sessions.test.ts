import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { SessionService } from '../../src/sessions/session.service.js';
import { UnusedSessions } from '../../src/sessions/unused-sessions.js';
import { scriptedTool } from './run-harness.js';
import { type ChatServer, startChatServer, weather } from './chat-server.js';

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer([scriptedTool('echo', { effect: 'pure' })]);
});
afterAll(() => server.close());

interface Answer {
  readonly session_id: string;
  readonly choices: readonly {
    readonly finish_reason: string;
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: readonly { readonly id: string }[];
    };
  }[];
}

async function ask(body: object): Promise<Answer> {
  const response = await server.post({ model: 'scripted', ...body });
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Answer;
}

const user = (content: string) => ({ role: 'user', content });
const lastMessages = () =>
  (server.engine.requests.at(-1)?.messages ?? []).slice(1).map(({ role, content }) => [role, content]);

async function sessionWithCall(): Promise<{ sessionId: string; callId: string }> {
  server.engine.enqueue(
    calls({ name: 'echo', arguments: { value: 'x' } }, { name: 'weather', arguments: { city: 'Rome' } }),
  );
  const answer = await ask({ messages: [user('Both?')], enable_tools: true, tools: [weather] });
  const callId = answer.choices[0]?.message.tool_calls?.[0]?.id;
  if (callId === undefined) throw new Error('no call was given back');
  return { sessionId: answer.session_id, callId };
}

describe('a session', () => {
  test('goes on by its id: the server has the history, and only what is new is read', async () => {
    server.engine.enqueue(says('Hello Ada.'), says('Ada.'));
    const first = await ask({ messages: [user('I am Ada.')] });
    await ask({
      session_id: first.session_id,
      messages: [user('I am Bob.'), { role: 'assistant', content: 'Hello Bob.' }, user('Who am I?')],
    });
    expect(lastMessages()).toEqual([
      ['user', 'I am Ada.'],
      ['assistant', 'Hello Ada.'],
      ['user', 'Who am I?'],
    ]);
  });

  test('of somebody else is not there', async () => {
    server.engine.enqueue(says('Secret.'));
    const { session_id } = await ask({ messages: [user('Hi')] });
    const request = { model: 'scripted', messages: [{ role: 'user' as const, content: 'Hi' }], session_id };
    await expect(server.bob.chat.completions.create(request)).rejects.toMatchObject({
      status: 404,
      code: 'session_not_found',
    });
  });
});

describe('calls given back in a session', () => {
  test('stand beside those of the server, whose results are kept; the client answers its own', async () => {
    const { sessionId, callId } = await sessionWithCall();
    server.engine.enqueue(says('Echo and sun.'));
    const answer = await ask({
      session_id: sessionId,
      enable_tools: true,
      tools: [weather],
      messages: [{ role: 'tool', tool_call_id: callId, content: 'sunny' }],
    });
    expect(answer.choices[0]?.message.content).toBe('Echo and sun.');
    expect(lastMessages()).toEqual([
      ['user', 'Both?'],
      ['assistant', ''],
      ['tool', 'echo: x'],
      ['tool', 'sunny'],
    ]);
  });

  test('may have arguments that are no JSON: streamed and whole they are the same, and can be answered', async () => {
    const written = '{"city": Rome}';
    const broken = { steps: [{ type: 'call' as const, name: 'weather', arguments: written }] };
    const request = {
      model: 'scripted',
      messages: [{ role: 'user' as const, content: 'Is it sunny?' }],
      tools: [weather],
    };
    server.engine.enqueue(broken);
    const whole = await server.alice.chat.completions.create(request);
    server.engine.enqueue(broken);
    const streamed = await server.alice.chat.completions.stream(request).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      expect(choices).toMatchObject([
        {
          finish_reason: 'tool_calls',
          message: { tool_calls: [{ function: { name: 'weather', arguments: written } }] },
        },
      ]);
    }
    server.engine.enqueue(says('Again, then.'));
    const { session_id } = streamed as unknown as Answer;
    const answer = await ask({
      session_id,
      tools: [weather],
      messages: [
        { role: 'tool', tool_call_id: streamed.choices[0]?.message.tool_calls?.[0]?.id, content: 'no JSON' },
      ],
    });
    expect(answer.choices[0]?.message.content).toBe('Again, then.');
    expect(lastMessages().at(-1)).toEqual(['tool', 'no JSON']);
  });

  test('need their result, and take no other', async () => {
    const { sessionId, callId } = await sessionWithCall();
    const answer = (messages: object[]) =>
      server.post({ model: 'scripted', session_id: sessionId, messages });
    const foreign = await answer([{ role: 'tool', tool_call_id: 'call_of_nobody', content: 'x' }]);
    expect([foreign.status, await foreign.json()]).toMatchObject([
      400,
      { error: { code: 'tool_call_not_waiting' } },
    ]);
    server.engine.enqueue(says('Thanks.'));
    expect(
      (await answer([{ role: 'tool', tool_call_id: callId, content: 'sunny' }, user('Well?')])).status,
    ).toBe(200);
    expect(lastMessages().slice(-2)).toEqual([
      ['tool', 'sunny'],
      ['user', 'Well?'],
    ]);
    const again = await answer([{ role: 'tool', tool_call_id: callId, content: 'rain' }]);
    expect(again.status).toBe(400);
  });

  test('that the client leaves unanswered do not spoil the conversation', async () => {
    const { sessionId } = await sessionWithCall();
    server.engine.enqueue(says('As you like.'));
    await ask({ session_id: sessionId, messages: [user('Forget it.')] });
    expect(lastMessages().slice(-3)).toEqual([
      ['tool', 'echo: x'],
      ['tool', 'The client did not answer this call.'],
      ['user', 'Forget it.'],
    ]);
  });
});

test('what steers a run that ends with calls for the client is said after their results', async () => {
  const gate = Promise.withResolvers<void>();
  const { steps } = calls({ name: 'weather', arguments: { city: 'Rome' } });
  server.engine.enqueue({
    steps: [{ type: 'text', pieces: ['Let me see. '] }, { type: 'wait', until: gate.promise }, ...steps],
  });
  const first = { messages: [user('Weather?')], tools: [weather] };
  const stream = await server.alice.chat.completions.create({
    model: 'scripted',
    stream: true,
    ...first,
  } as unknown as ChatCompletionCreateParamsStreaming);
  let [sessionId, callId]: (string | undefined)[] = [];
  for await (const chunk of stream) {
    const { content, tool_calls: made } = chunk.choices[0]?.delta ?? {};
    if (content) {
      const steering = { method: 'POST', body: JSON.stringify({ text: 'In words.' }) };
      expect((await server.fetch(`/v1/runs/${chunk.id}/steer`, steering)).status).toBeLessThan(300);
      gate.resolve();
    }
    callId ??= made?.[0]?.id;
    if ('session_id' in chunk) sessionId = String(chunk.session_id);
  }
  server.engine.enqueue(says('4 C.'), says('Four degrees.'));
  const result = { role: 'tool', tool_call_id: callId, content: 'cold' };
  const answer = await ask({ session_id: sessionId, tools: [weather], messages: [result] });
  expect(answer.choices[0]?.message.content).toContain('Four degrees.');
  expect(lastMessages().slice(-3)).toEqual([
    ['tool', 'cold'],
    ['assistant', '4 C.'],
    ['user', 'In words.'],
  ]);
});

describe('a session that one request made', () => {
  const listed = async () =>
    (await server.get(SessionService).list('alice', { limit: 200 })).data.map(({ id }) => id);
  const isThere = async (id: string) =>
    server
      .get(SessionService)
      .requireOwned('alice', id)
      .then(
        () => true,
        () => false,
      );

  test('is unlisted, and removed when nobody goes on with it', async () => {
    server.engine.enqueue(says('One.'));
    const { session_id: id } = await ask({ messages: [user('One?')] });
    expect(await listed()).not.toContain(id);
    await server.get(UnusedSessions).remove(new Date(Date.now() - 60_000));
    expect(await isThere(id)).toBe(true);
    await server.get(UnusedSessions).remove(new Date(Date.now() + 60_000));
    expect(await isThere(id)).toBe(false);
  });

  test('is one like any other once somebody went on with it', async () => {
    server.engine.enqueue(says('One.'), says('Two.'));
    const { session_id: id } = await ask({ messages: [user('One?')] });
    await ask({ session_id: id, messages: [user('Two?')] });
    expect(await listed()).toContain(id);
    await server.get(UnusedSessions).remove(new Date(Date.now() + 60_000));
    expect(await isThere(id)).toBe(true);
  });

  test('goes with however many others, past those whose runs wait', async () => {
    const dataSource = server.get(DataSource);
    const make = (name: string, day: string) =>
      dataSource.query(
        `INSERT INTO sessions (id, owner, ephemeral, updated_at)
         SELECT $1 || number, 'alice', true, $2::timestamptz FROM generate_series(1, 210) AS number`,
        [name, day],
      );
    await make('sess_waits', '2020-01-01');
    await make('sess_idle', '2020-01-02');
    await dataSource.query(
      `INSERT INTO runs (id, session_id, owner, kind, state, options, request_hash)
       SELECT 'run_' || id, id, owner, 'chat', 'waiting_approval', '{}', '' FROM sessions WHERE id LIKE 'sess_waits%'`,
    );
    await server.get(UnusedSessions).remove(new Date('2020-01-03'));
    const count = `SELECT id FROM sessions WHERE id LIKE $1`;
    expect(await dataSource.query(count, ['sess_idle%'])).toHaveLength(0);
    expect(await dataSource.query(count, ['sess_waits%'])).toHaveLength(210);
  });
});
