import { afterAll, beforeAll, expect, test } from 'vitest';
import { fold } from '../../src/client/fold.js';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import type { Engine } from '../../src/engine/engine.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { councilOver } from './council-scene.js';
import { sentEvents } from './chat-server.js';
import { startServerOn, type TestServer } from './scripted-server.js';

let server: TestServer<Engine>;
let demo: Engine;
beforeAll(async () => {
  demo = demoEngine();
  // One model under three names: three experts that really compute, in one process.
  server = await startServerOn(councilOver({ one: demo, two: demo, three: demo }));
  await demo.capabilities();
});
afterAll(async () => {
  await server?.close();
  await demo?.close();
});

const RUN = { input: 'Hello!', model: 'council:one,two,three', enable_tools: false, seed: 1 } as const;

async function runLive(client: GantryClient, council: object): Promise<WireEvent[]> {
  const live: WireEvent[] = [];
  for await (const event of client.run({ ...RUN, temperature: 1, council })) live.push(event);
  return live;
}

async function replay(client: GantryClient, sessionId: string): Promise<WireEvent[]> {
  const replayed: WireEvent[] = [];
  for await (const item of client.session(sessionId).events()) {
    if (item.type === 'live') break;
    if (item.type !== 'snapshot') replayed.push(item);
  }
  return replayed;
}

test.each([
  { strategy: 'first' },
  { strategy: 'vote' },
  { strategy: 'judge', judge: 'two' },
  { strategy: 'merge', judge: 'two' },
])('a client sees real experts by %j, live and in the replay alike', async (council) => {
  const { url, keys } = server;
  const client = new GantryClient({ url, apiKey: keys.alice, openSocket: openNodeSocket });
  const live = await runLive(client, council);
  expect(live.at(-1)?.type).toBe('done');
  expect(live.map(({ type }) => type)).toContain('expert_chunk');
  const run = fold(live).entries.find((entry) => entry.type === 'run');
  const [round] = run?.rounds ?? [];
  expect(round?.council).toMatchObject({
    experts: [{ model: 'one' }, { model: 'two' }, { model: 'three' }],
    decided_by: expect.any(String) as string,
  });
  expect(round?.content).not.toBe('');
  const { chosen, experts = [] } = round?.council ?? {};
  if (typeof chosen === 'number') expect(experts[chosen]?.content).toBe(round?.content);
  expect(fold(await replay(client, live[0]?.session_id ?? ''))).toEqual(fold(live));
  client.close();
});

async function complete(body: object): Promise<Response> {
  return fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.keys.alice}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'council:one,two',
      messages: [{ role: 'user', content: 'Hello!' }],
      council: { strategy: 'vote' },
      ...body,
    }),
  });
}

test('a chat completion streams the answer only; who asked for tools sees the experts as named events', async () => {
  const plain = await sentEvents(await complete({ stream: true }));
  expect(new Set(plain.map(({ name }) => name))).toEqual(new Set([undefined]));
  expect(plain[0]?.data).toMatchObject({ model: 'council:one,two' });
  const asked = await sentEvents(await complete({ stream: true, enable_tools: true }));
  expect(new Set(asked.map(({ name }) => name))).toContain('expert_chunk');
  const whole = (await (await complete({})).json()) as { choices: { message: { content: string } }[] };
  expect(whole.choices[0]?.message.content).not.toBe('');
});

test('an expert that is not here is a 404 that names it', async () => {
  const response = await complete({ model: 'council:one,gpt-9' });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    error: { code: 'model_not_found', param: 'model', message: expect.stringContaining('gpt-9') as string },
  });
});
