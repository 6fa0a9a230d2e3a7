import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent } from '../../src/engine/engine.js';
import { EngineError } from '../../src/engine/engine-error.js';
import type { GantryEvent } from '../../src/events/event.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { startServerOn, type TestServer } from './scripted-server.js';

type Tokens = readonly OpenAI.Chat.Completions.ChatCompletionTokenLogprob[];

/** The demo model; the next `breaks` generations each end with a broken stream after some tokens. */
class BreakingEngine {
  breaks = 0;
  readonly model = demoEngine();

  readonly engine: Engine = {
    generate: (request, signal) => this.generate(request, signal),
    count: (...asked) => this.model.count(...asked),
    capabilities: (...asked) => this.model.capabilities(...asked),
    embed: (...asked) => this.model.embed(...asked),
    rank: (...asked) => this.model.rank(...asked),
    status: () => this.model.status(),
    close: () => this.model.close(),
  };

  private async *generate(...asked: Parameters<Engine['generate']>): AsyncGenerator<EngineEvent> {
    let left = this.breaks > 0 ? 2 : Infinity;
    this.breaks = Math.max(0, this.breaks - 1);
    for await (const event of this.model.generate(...asked)) {
      if (event.type === 'text_delta' && (left -= 1) < 0) {
        const error = new EngineError('stream_interrupted', 'It broke.', { interruption: 'engine_crash' });
        yield { type: 'error', error, received: { text: '', reasoning: '', completeCalls: [] } };
        return;
      }
      yield event;
    }
  }
}

let breaking: BreakingEngine;
let server: TestServer<Engine>;
let alice: OpenAI;
beforeAll(async () => {
  breaking = new BreakingEngine();
  server = await startServerOn(breaking.engine);
  alice = new OpenAI({ apiKey: server.keys.alice, baseURL: `${server.url}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await server?.close();
  await breaking?.engine.close();
});

const request = {
  model: 'demo',
  messages: [{ role: 'user' as const, content: 'Hello!' }],
  temperature: 0,
  logprobs: true,
  top_logprobs: 2,
};

const decode = (tokens: Tokens) => Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString();

async function streamed(): Promise<{ text: string; tokens: Tokens }> {
  const said = { text: '', tokens: [] as OpenAI.Chat.Completions.ChatCompletionTokenLogprob[] };
  for await (const { choices } of await alice.chat.completions.create({ ...request, stream: true })) {
    said.text += choices[0]?.delta.content ?? '';
    said.tokens.push(...(choices[0]?.logprobs?.content ?? []));
  }
  return said;
}

async function whole(): Promise<{ text: string; tokens: Tokens }> {
  const { choices } = await alice.chat.completions.create(request);
  return { text: choices[0]?.message.content ?? '', tokens: choices[0]?.logprobs?.content ?? [] };
}

describe('the tokens of a completion', () => {
  test('come in the shape of the SDK, once each, streamed and whole', async () => {
    const [one, other] = [await streamed(), await whole()];
    expect(one).toEqual(other);
    expect(decode(one.tokens)).toBe(one.text);
    expect(one.tokens[0]).toEqual({
      token: expect.any(String),
      logprob: expect.any(Number),
      bytes: expect.any(Array),
      top_logprobs: [expect.objectContaining({ token: one.tokens[0]?.token }), expect.anything()],
    });
  });

  test('of an answer that broke off and went on are neither lost nor doubled', async () => {
    const { text } = await whole();
    for (const ask of [streamed, whole]) {
      breaking.breaks = 1;
      const said = await ask();
      expect(said.text).toBe(text);
      expect(decode(said.tokens)).toBe(text);
    }
    expect(breaking.breaks).toBe(0);
  });

  test('are the same in a replay of the session', async () => {
    const { data, response } = await alice.chat.completions.create(request).withResponse();
    expect(response.status).toBe(200);
    const { session_id: session } = data as unknown as { session_id: string };
    const headers = { authorization: `Bearer ${server.keys.alice}` };
    const replay = await fetch(`${server.url}/v1/sessions/${session}/events`, { headers });
    const events = (await replay.json()) as { data: GantryEvent[] };
    const kept = events.data.flatMap((event) =>
      event.type === 'chunk' ? event.choices.flatMap(({ logprobs }) => logprobs?.content ?? []) : [],
    );
    expect(kept).toEqual(data.choices[0]?.logprobs?.content);
  });

  test('are null where nobody asked', async () => {
    const { logprobs: _logprobs, top_logprobs: _top, ...plain } = request;
    const completion = await alice.chat.completions.create(plain);
    expect(completion.choices[0]?.logprobs).toBeNull();
  });

  test.each([
    [{ logprobs: undefined, top_logprobs: 2 }, 'top_logprobs', /needs logprobs/],
    [{ top_logprobs: 21 }, 'top_logprobs', /20/],
    [{ logit_bias: { hello: 1 } }, 'logit_bias', /by their ids/],
    [{ logit_bias: { 5: 101 } }, 'logit_bias.5', /100/],
    [{ logit_bias: { 5000: 1 } }, null, /1024 tokens/],
    [{ prediction: { type: 'draft' } }, 'prediction.type', /input_lookup/],
    [{ prediction: { type: 'input_lookup' }, presence_penalty: 1 }, 'prediction', /presence_penalty/],
    [{ use_adapter: '../outside' }, 'use_adapter', /name of an adapter/],
    [{ use_adapter: '/tmp/outside.gguf' }, 'use_adapter', /name of an adapter/],
    [{ use_adapter: true }, 'use_adapter', /name of an adapter/],
    [{ use_adapter: 'nobody' }, null, /no adapter "nobody"/],
    [{ thinking_budget: 0 }, 'thinking_budget', /enable_thinking/],
    [{ reasoning: { max_tokens: 0 } }, 'reasoning.max_tokens', /enable_thinking/],
    [{ logprobs: 'yes' }, 'logprobs', /boolean/],
  ])('are refused for %o', async (change, param, message) => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.keys.alice}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, ...change }),
    });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { param: string; message: string; type: string } };
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
    expect(error.message).toMatch(message);
  });
});
