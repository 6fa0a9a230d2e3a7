import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { type ChatServer, startChatServer } from './chat-server.js';
import { councilScene } from './council-scene.js';
import { scriptedTool } from './run-harness.js';
import { startServerOn } from './scripted-server.js';

/** OpenAI's own client takes each event for a chunk, whatever its name. */
async function readByHand(client: OpenAI, request: OpenAI.ChatCompletionCreateParamsStreaming) {
  let text = '';
  const named: object[] = [];
  for await (const chunk of await client.chat.completions.create(request)) {
    text += chunk.choices[0]?.delta.content ?? '';
    if ('type' in chunk) named.push(chunk);
  }
  return { text, named };
}

describe("with the server's tools OpenAI's SDK", () => {
  let server: ChatServer;
  beforeAll(async () => {
    server = await startChatServer([scriptedTool('echo', { effect: 'pure' })]);
  });
  afterAll(() => server.close());

  const withTools = {
    model: 'scripted',
    messages: [{ role: 'user' as const, content: 'Echo x.' }],
    enable_tools: true,
  };

  test('joins the chunks of a stream in which a tool is called', async () => {
    server.engine.enqueue(calls({ name: 'echo', arguments: { value: 'x' } }), says('It said x.'));
    const completion = await server.alice.chat.completions.stream(withTools).finalChatCompletion();
    expect(completion).toMatchObject({
      id: expect.stringMatching(/^run_/) as string,
      object: 'chat.completion',
      choices: [{ finish_reason: 'stop', message: { content: 'It said x.' } }],
    });
  });

  test('gives what the tool does to who reads chunk by chunk', async () => {
    server.engine.enqueue(
      {
        steps: [
          { type: 'text', pieces: ['Let me see. '] },
          { type: 'call', name: 'echo', arguments: '{"value":"y"}' },
        ],
      },
      says('It said y.'),
    );
    const { text, named } = await readByHand(server.alice, { ...withTools, stream: true });
    expect(text).toBe('Let me see. It said y.');
    expect(named).toMatchObject([
      { type: 'agentic_tool_call_progress', phase: 'calling', choices: [] },
      { type: 'agentic_tool_call_progress', phase: 'complete', status: 'succeeded', choices: [] },
    ]);
  });
});

test("an expert that a council stopped is no end of the stream to OpenAI's SDK", async () => {
  const scene = councilScene();
  const server = await startServerOn(scene.engineOver(scene.a));
  try {
    const client = new OpenAI({ apiKey: server.keys.alice, baseURL: `${server.url}/v1`, maxRetries: 0 });
    const waits = { steps: [{ type: 'wait' as const, until: new Promise(() => undefined) }] };
    scene.a.enqueue(waits);
    scene.b.enqueue(says('I was first.'));
    scene.c.enqueue(waits);
    const request = {
      model: 'council:a,b,c',
      messages: [{ role: 'user' as const, content: 'Who is first?' }],
      stream: true as const,
      enable_tools: true,
      council: { strategy: 'first' },
    };
    const { text, named } = await readByHand(client, request);
    expect(text).toBe('I was first.');
    const done = named.filter((event) => 'type' in event && event.type === 'expert_done');
    expect(done).toHaveLength(3);
    expect(done).toContainEqual(
      expect.objectContaining({
        expert: 0,
        failure: { code: 'cancelled', message: expect.any(String) as string },
      }),
    );
    expect(done.filter((event) => 'error' in event || 'usage' in event)).toEqual([]);
  } finally {
    await server.close();
  }
});
