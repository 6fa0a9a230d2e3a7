import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineEvent } from '../../src/engine/engine.js';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import { settlesWithin } from '../../src/settles-within.js';
import { MISBEHAVIOURS } from '../support/misbehaving-upstream.js';
import {
  answers,
  chunk,
  DONE,
  openStream,
  stallsAfter,
  startScriptedUpstream,
  UPSTREAM_MODEL,
  type Answer,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { TEST_KEY, TEST_LIMITS, type ExpectedEnd } from '../support/upstream-misbehaviours/misbehaviour.js';
import {
  collect,
  describeEngineConformance,
  isTerminal,
  reasoningOf,
  textOf,
  type Scenario,
} from './engine-conformance.js';
import { engineOn, REQUEST, upstream } from './openai-engine-fixture.js';

const never = new AbortController().signal;

const SCENARIOS: Record<Scenario, Answer> = {
  text: answers([{ content: 'Hello' }, { content: ' you.' }]),
  reasoning: answers([{ reasoning_content: 'Let me' }, { reasoning_content: ' see.' }, { content: 'Yes.' }]),
  call: answers(
    [
      {
        tool_calls: [
          { index: 0, id: 'call_0', type: 'function', function: { name: 'python', arguments: '' } },
        ],
      },
      { tool_calls: [{ index: 0, function: { arguments: '{"code": "print(1234' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ' * 567)"}' } }] },
    ],
    'tool_calls',
  ),
  long: stallsAfter({ content: 'One' }),
};

describeEngineConformance('the HTTP engine', async () => {
  const server = await upstream();
  return {
    engine: engineOn(server),
    request: (scenario) => {
      server.clear();
      server.enqueue(SCENARIOS[scenario]);
      return REQUEST;
    },
  };
});

describe('a server that misbehaves', () => {
  let server: ScriptedUpstream;
  let engine: Engine;
  beforeAll(async () => {
    server = await upstream();
    engine = engineOn(server);
    await engine.capabilities();
  });
  afterAll(() => engine.close());

  test.each(Object.entries(MISBEHAVIOURS))('%s', async (_name, { play, end }) => {
    await engine.capabilities();
    server.enqueue(play);
    const events = await collect(engine.generate(REQUEST, never));
    expect(events.filter(isTerminal)).toHaveLength(1);
    expectEnd(events, end);
  });
});

function expectEnd(events: readonly EngineEvent[], end: ExpectedEnd): void {
  const last = events.at(-1);
  if ('stop' in end) {
    expect(last).toMatchObject({ type: 'stop', reason: end.stop });
    if (end.text !== undefined) expect(textOf(events)).toBe(end.text);
    if (end.reasoning !== undefined) expect(reasoningOf(events)).toBe(end.reasoning);
    if (last?.type === 'stop' && end.calls !== undefined) {
      expect(last.message.completeCalls.map((call) => [call.name, call.arguments])).toEqual(end.calls);
      expect(new Set(last.message.completeCalls.map(({ id }) => id)).size).toBe(end.calls.length);
    }
    const usage = events.find((event) => event.type === 'usage')?.usage;
    expect(usage?.prompt_tokens).toBeGreaterThan(0);
    if (end.usage !== undefined) expect([usage?.prompt_tokens, usage?.completion_tokens]).toEqual(end.usage);
    return;
  }
  if (last?.type !== 'error') throw new Error(`not an error: ${JSON.stringify(last)}`);
  expect({ code: last.error.code, message: last.error.message }).toMatchObject({ code: end.error });
  if (end.interruption !== undefined) expect(last.error.interruption).toBe(end.interruption);
  if (end.says !== undefined) expect(last.error.message).toMatch(end.says);
  if (end.text !== undefined) expect(last.received.text).toBe(end.text);
  if (end.retryAfterMs !== undefined) {
    expect(last.error.retryAfterMs).toBeGreaterThan(end.retryAfterMs - 5000);
    expect(last.error.retryAfterMs).toBeLessThanOrEqual(end.retryAfterMs);
  }
  expect(last.error.message).not.toContain(TEST_KEY);
}

describe('the HTTP engine', () => {
  test('sends the key to its server, and follows no redirect with it', async () => {
    const [server, thief] = [await upstream(), await upstream()];
    const engine = engineOn(server);
    server.enqueue((response) => {
      response.writeHead(307, { location: `${thief.url}/chat/completions` }).end();
    });
    const [end] = await collect(engine.generate(REQUEST, never));
    expect(end).toMatchObject({ type: 'error', error: { code: 'invalid_request', retryable: false } });
    expect(server.chats[0]?.headers.authorization).toBe(`Bearer ${TEST_KEY}`);
    expect(thief.requests).toEqual([]);
    await engine.close();
  });

  test('an abort closes the connection, also before the first word', async () => {
    const server = await upstream();
    const engine = engineOn(server);
    await engine.capabilities();
    const abort = new AbortController();
    server.enqueue(() => abort.abort());
    const events = await collect(engine.generate(REQUEST, abort.signal));
    expect(events).toMatchObject([{ type: 'stop', reason: 'cancelled' }]);
    await server.nextClose();
    await engine.close();
  });

  test('a reader that leaves closes the connection, and so does silence after the end', async () => {
    const server = await upstream();
    const engine = engineOn(server);
    server.enqueue(SCENARIOS.long, stallsAfter({ content: 'Two' }, 'stop'));
    for await (const event of engine.generate(REQUEST, never)) if (event.type === 'text_delta') break;
    await server.nextClose();
    expect(textOf(await collect(engine.generate(REQUEST, never)))).toBe('Two');
    await server.nextClose();
    await engine.close();
  });

  test('a stream of nothing but keep-alives is ended by an abort', async () => {
    const server = await upstream();
    const engine = engineOn(server);
    await engine.capabilities();
    const abort = new AbortController();
    server.enqueue((response) => {
      openStream(response);
      response.write(': ping\n\n', () => abort.abort());
    });
    expect(await collect(engine.generate(REQUEST, abort.signal))).toMatchObject([
      { type: 'stop', reason: 'cancelled' },
    ]);
    await server.nextClose();
    await engine.close();
  });

  test('a server is read only as fast as its answer is taken', async () => {
    const server = await upstream();
    const engine = engineOn(server, { limits: { answerChars: 64 * 1024 * 1024 } });
    const piece = 'x'.repeat(256 * 1024);
    const written = Promise.withResolvers<void>();
    server.enqueue(async (response) => {
      openStream(response);
      for (let count = 0; count < 128; count += 1) {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        response.write(chunk({ content: piece }), resolve);
        await promise;
      }
      written.resolve();
      response.end(chunk({}, 'stop') + DONE);
    });
    const events = engine.generate(REQUEST, never)[Symbol.asyncIterator]();
    expect((await events.next()).value?.type).toBe('text_delta');
    expect(await settlesWithin(written.promise, 500)).toBe(false);
    let pieces = 1;
    for (;;) {
      const { value } = await events.next();
      if (value?.type !== 'text_delta') break;
      pieces += 1;
    }
    expect(pieces).toBe(128);
    await written.promise;
    await engine.close();
  });

  test('who waits is told the place in line, and leaves it at an abort', async () => {
    const server = await upstream();
    const engine = engineOn(server, { parallel: 1 });
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    server.enqueue(
      async (response) => {
        openStream(response);
        entered.resolve();
        await gate.promise;
        response.end(chunk({ content: 'first' }, 'stop') + DONE);
      },
      answers([{ content: 'third' }]),
    );
    const first = collect(engine.generate(REQUEST, never));
    await entered.promise;
    const abort = new AbortController();
    const second = engine.generate({ ...REQUEST, sessionId: 'b' }, abort.signal)[Symbol.asyncIterator]();
    const third = engine.generate({ ...REQUEST, sessionId: 'c' }, never)[Symbol.asyncIterator]();
    expect((await second.next()).value).toEqual({ type: 'queued', position: 1 });
    expect((await third.next()).value).toEqual({ type: 'queued', position: 2 });
    expect(engine.status()).toMatchObject({ state: 'remote', active: 1, waiting: 2 });
    abort.abort();
    expect((await second.next()).value).toMatchObject({ type: 'stop', reason: 'cancelled' });
    expect((await third.next()).value).toEqual({ type: 'queued', position: 1 });
    gate.resolve();
    expect(textOf(await first)).toBe('first');
    expect((await third.next()).value).toEqual({ type: 'text_delta', text: 'third' });
    await third.return?.();
    expect(engine.status()).toMatchObject({ active: 0, waiting: 0 });
    await engine.close();
  });

  test('who opens many sessions holds nobody else up', async () => {
    const server = await upstream();
    const engine = engineOn(server, { parallel: 1 });
    server.enqueue(openStream);
    const abort = new AbortController();
    const firstEvents = ['alice', 'alice', 'alice', 'bob'].map(async (owner, index) => {
      const request = { ...REQUEST, owner, sessionId: `session-${index}` };
      return (await engine.generate(request, abort.signal)[Symbol.asyncIterator]().next()).value;
    });
    const positions = [1, 2, 1].map((position) => ({ type: 'queued', position }));
    expect(await Promise.all(firstEvents.slice(1))).toEqual(positions);
    await engine.close();
  });

  test('waits for a server that is started later, and finds it again after a restart', async () => {
    const before = await startScriptedUpstream();
    const port = Number(new URL(before.url).port);
    await before.close();
    const connected = Promise.withResolvers<void>();
    const engine = engineOn(before, {
      limits: { ...TEST_LIMITS, retryMs: 10 },
      onStatus: ({ state }) => {
        if (state === 'remote') connected.resolve();
      },
    });
    const [refused] = await collect(engine.generate(REQUEST, never));
    expect(refused).toMatchObject({ type: 'error', error: { code: 'provider', retryable: true } });
    expect(engine.status()).toMatchObject({ state: 'failed', hint: 'It is tried again.' });
    const server = await startScriptedUpstream({ port });
    await connected.promise;
    server.enqueue(SCENARIOS.text);
    expect(textOf(await collect(engine.generate(REQUEST, never)))).toBe('Hello you.');
    await server.close();
    expect((await collect(engine.generate(REQUEST, never))).at(-1)?.type).toBe('error');
    expect(engine.status().state).not.toBe('remote');
    await engine.close();
    expect((await collect(engine.generate(REQUEST, never)))[0]).toMatchObject({
      type: 'error',
      error: { code: 'cancelled' },
    });
  });

  test('the end of the engine ends its generations', async () => {
    const server = await upstream();
    const engine = engineOn(server);
    server.enqueue(SCENARIOS.long);
    const events: EngineEvent[] = [];
    for await (const event of engine.generate(REQUEST, never)) {
      events.push(event);
      if (event.type === 'text_delta') await engine.close();
    }
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'cancelled' },
      received: { text: 'One' },
    });
  });
});

test('a wrong MODEL is told without what is in it', async () => {
  const engine = createOpenAiEngine({
    model: 'openai:http://user:secret@localhost/v1',
    contextSize: 'auto',
    parallel: 1,
  });
  expect(engine.status()).toMatchObject({ state: 'failed', model: 'openai' });
  expect(JSON.stringify(engine.status())).not.toContain('secret');
  await expect(engine.capabilities()).rejects.toMatchObject({ code: 'invalid_request' });
});

test('the model is asked for by the name in the list', async () => {
  const server = await upstream();
  const engine = engineOn(server);
  expect((await engine.capabilities()).model).toBe(UPSTREAM_MODEL);
  server.enqueue(SCENARIOS.text);
  await collect(engine.generate(REQUEST, never));
  expect(server.chats[0]?.body['model']).toBe(UPSTREAM_MODEL);
  await engine.close();
});
