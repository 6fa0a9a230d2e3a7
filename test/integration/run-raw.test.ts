import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import type { GantryEvent } from '../../src/events/event.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { startServerOn, type TestServer } from './scripted-server.js';

let engine: Engine;
let server: TestServer<Engine>;
beforeAll(async () => {
  engine = demoEngine();
  server = await startServerOn(engine);
});
afterAll(async () => {
  await server?.close();
  await engine?.close();
});

async function ask(path: string, body: object) {
  const headers = { authorization: `Bearer ${server.keys.alice}`, 'content-type': 'application/json' };
  const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** All events of a session, once its run has ended. */
async function eventsOf(session: string): Promise<GantryEvent[]> {
  const headers = { authorization: `Bearer ${server.keys.alice}`, accept: 'text/event-stream' };
  const response = await fetch(`${server.url}/v1/sessions/${session}/events`, { headers });
  const events: GantryEvent[] = [];
  let text = '';
  for await (const piece of response.body ?? []) {
    text += Buffer.from(piece as Uint8Array).toString();
    const whole = text.split('\n\n');
    text = whole.pop() ?? '';
    for (const block of whole) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) events.push(JSON.parse(data) as GantryEvent);
    }
    if (events.some(({ type }) => type === 'done')) return events;
  }
  return events;
}

const sessions = async () => String((await ask('/v1/sessions', {})).body['id']);
const run = { input: 'Hello!', temperature: 0, enable_tools: false, max_tokens: 64, raw: 1024 };

test('a run tells the whole distribution of each token that it makes', async () => {
  const session = await sessions();
  expect((await ask(`/v1/sessions/${session}/runs`, run)).status).toBeLessThan(300);
  const events = await eventsOf(session);
  const raws = events.flatMap((event) => (event.type === 'raw' ? [event] : []));
  const tokens = raws.flatMap((raw) => raw.tokens);
  expect(tokens.length).toBeGreaterThan(5);
  expect(raws.map(({ index }) => index)).toEqual(
    raws.map((_, place) => raws.slice(0, place).reduce((sum, raw) => sum + raw.tokens.length, 0)),
  );
  for (const { id, ids, logprobs } of tokens) {
    expect(new Set(ids).size).toBe(1024);
    expect(logprobs).toHaveLength(1024);
    expect(ids[0]).toBe(id);
    expect(logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 4);
  }
  // The end of the turn was a token too.
  expect(tokens.at(-1)?.id).toBe(2);
  const done = events.find((event) => event.type === 'done');
  expect(done?.type === 'done' && done.response.usage.completion_tokens).toBe(tokens.length);
});

test.each([
  [{ max_tokens: undefined }, /max_tokens/],
  [{ max_tokens: 257 }, /262144/],
  [{ raw: 1025 }, /1024/],
])('is refused for %o', async (change, message) => {
  const { status, body } = await ask(`/v1/sessions/${await sessions()}/runs`, { ...run, ...change });
  expect([status, body['error']]).toMatchObject([
    400,
    { param: 'raw', message: expect.stringMatching(message) },
  ]);
});

test('is refused by chat completions, which have no place for it', async () => {
  const messages = [{ role: 'user', content: 'Hello!' }];
  const { status, body } = await ask('/v1/chat/completions', { model: 'demo', messages, raw: 5 });
  expect([status, body['error']]).toMatchObject([400, { param: 'raw' }]);
});
