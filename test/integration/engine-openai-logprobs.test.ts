import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { DONE, event, openStream, type Answer } from '../support/scripted-upstream.js';
import { collect, textOf } from './engine-conformance.js';
import { engineOn, REQUEST, upstream } from './openai-engine-fixture.js';
import { startServerOn, type TestServer } from './scripted-server.js';

const never = new AbortController().signal;

function tokensOf(events: readonly EngineEvent[]) {
  return events.flatMap((one) => (one.type === 'text_delta' ? (one.logprobs ?? []) : []));
}

/** Says the pieces, each one token, as servers do that tell no bytes. */
function saysTokens(...pieces: string[]): Answer {
  return (response) => {
    openStream(response);
    for (const piece of pieces) {
      const logprobs = { content: [{ token: piece, logprob: -0.5, top_logprobs: [] }] };
      response.write(event({ choices: [{ index: 0, delta: { content: piece }, logprobs }] }));
    }
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
    response.end(DONE);
  };
}

async function ask(answer: Answer, overrides: Partial<GenerateRequest> = {}) {
  const server = await upstream();
  server.enqueue(answer);
  const engine = engineOn(server);
  const events = await collect(engine.generate({ ...REQUEST, topLogprobs: 3, ...overrides }, never));
  await engine.close();
  return { events, body: server.chats[0]?.body };
}

describe('tokens of another server', () => {
  test('are asked for and come as it sends them', async () => {
    const { events, body } = await ask(saysTokens('Hello', ' you.'));
    expect(body).toMatchObject({ logprobs: true, top_logprobs: 3 });
    expect(tokensOf(events)).toEqual(
      ['Hello', ' you.'].map((token) => ({ token, logprob: -0.5, bytes: null, top_logprobs: [] })),
    );
  });

  test('of what it says again when it goes on are left out', async () => {
    const { events } = await ask(saysTokens('The sea', ' is', ' blue.'), {
      continueFrom: { reasoning: '', text: 'The sea' },
    });
    expect(textOf(events)).toBe(' is blue.');
    expect(tokensOf(events).map(({ token }) => token)).toEqual([' is', ' blue.']);
  });

  test('that it does not send make the request fail by name', async () => {
    const silent: Answer = (response) => {
      openStream(response);
      response.end(event({ choices: [{ index: 0, delta: { content: 'Hello' } }] }) + DONE);
    };
    const { events } = await ask(silent);
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'invalid_request', message: expect.stringContaining('no logprobs') },
    });
  });
});

describe('Gantry on Gantry', () => {
  let model: Engine;
  let server: TestServer<Engine>;
  beforeAll(async () => {
    model = demoEngine();
    server = await startServerOn(model);
  });
  afterAll(async () => {
    await server?.close();
    await model?.close();
  });

  test('tells the same tokens as the model itself', async () => {
    const { url, keys } = server;
    const remote = createOpenAiEngine({
      model: `openai:${url}/v1`,
      key: keys.alice,
      contextSize: 'auto',
      parallel: 1,
    });
    const request = demoRequest('Hello!', { tools: [], sampling: { temperature: 0 }, topLogprobs: 2 });
    // What is evaluated beside a prompt, and in which steps, moves the last digits.
    const named = (events: readonly EngineEvent[]) =>
      tokensOf(events).map(({ token, bytes, top_logprobs: top }) => [token, bytes, top.length]);
    const told = named(await collect(remote.generate(request, never)));
    expect(told.length).toBeGreaterThan(3);
    expect(told).toEqual(named(await collect(model.generate(request, never))));
    await remote.close();
  });
});
