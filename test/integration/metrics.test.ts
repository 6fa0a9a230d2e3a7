import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { Authenticator } from '../../src/auth/authenticator.js';
import { loadConfig } from '../../src/config/config.js';
import { GantryWsAdapter } from '../../src/gateway/gantry-ws.adapter.js';
import { NoSandboxProvider } from '../../src/sandbox/none/no-sandbox-provider.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from '../../src/sandbox/sandbox.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let app: INestApplication;
let url: string;
let key: string;

/** A server as it is, the demo model behind one that nobody serves. */
beforeAll(async () => {
  database = await createTestDatabase();
  const config = loadConfig({
    DATABASE_URL: database.url,
    LOG_LEVEL: 'silent',
    MODEL: 'openai:http://127.0.0.1:9#gone,demo',
  });
  const testing = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(SANDBOX_PROVIDER)
    .useValue(busySandboxes())
    .compile();
  app = testing.createNestApplication({ bodyParser: false, logger: false });
  const authenticator = app.get(Authenticator, { strict: false });
  const authenticate = authenticator.authenticate.bind(authenticator);
  app.useWebSocketAdapter(new GantryWsAdapter(app, { source: config.http, authenticate }));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  ({ key } = await app.get(ApiKeyService, { strict: false }).create('alice', 'test'));
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** Says that it is at work. */
function busySandboxes(): SandboxProvider {
  const none = new NoSandboxProvider('This test runs no sandbox.');
  const protections = { ...none.protections(), occupancy: { ready: 2, booting: 1, used: 3, queued: 4 } };
  return Object.assign(none, { protections: () => protections });
}

const get = (headers: Record<string, string>) => fetch(`${url}/metrics`, { headers });

async function scrape(): Promise<Map<string, number>> {
  const text = await (await get({ authorization: `Bearer ${key}` })).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

async function complete(body: object): Promise<number> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'Hello!' }],
      enable_thinking: false,
      max_tokens: 64,
      ...body,
    }),
  });
  await response.text();
  return response.status;
}

test('needs a key, also from the same machine', async () => {
  expect((await get({})).status).toBe(401);
  const response = await get({ 'x-api-key': key });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
});

test('counts what runs did: by model and end, tokens, times, fallbacks and breakers', async () => {
  for (let runs = 0; runs < 5; runs += 1) expect(await complete({})).toBe(200);
  const found = await scrape();
  const ended = [...found].filter(([name]) => name.startsWith('gantry_generations_total{model="demo"'));
  expect(ended.reduce((sum, [, value]) => sum + value, 0)).toBe(5);
  expect(found.get('gantry_tokens_total{model="demo",kind="completion"}')).toBeGreaterThan(0);
  expect(found.get('gantry_tokens_total{model="demo",kind="prompt"}')).toBeGreaterThan(0);
  expect(found.get('gantry_time_to_first_token_seconds_count{model="demo"}')).toBe(5);
  expect(found.get('gantry_generation_queue_seconds_count{model="demo"}')).toBe(5);
  expect(found.get('gantry_completion_tokens_per_second_count{model="demo"}')).toBeGreaterThan(0);
  expect(found.get('gantry_generations_active{model="demo"}')).toBe(0);
  expect(found.get('gantry_generation_queue_length{model="demo"}') ?? 0).toBe(0);
  expect(found.get('gantry_model_fallbacks_total{member="demo"}')).toBe(5);
  const gone = 'openai:http://127.0.0.1:9/v1#gone';
  expect(found.get(`gantry_breaker_transitions_total{member="${gone}",to="open"}`)).toBe(1);
  expect(found.get(`gantry_breaker_state{member="${gone}",state="open"}`)).toBe(1);
  expect(found.get('gantry_breaker_state{member="demo",state="closed"}')).toBe(1);
  expect(found.get('gantry_model_loads_total{model="demo",change="loaded"}')).toBe(1);
  expect(found.get('gantry_model_memory_bytes{model="demo"}')).toBeGreaterThan(1_000_000);
  expect(found.get('gantry_runs{state="completed"}')).toBe(5);
});

test('tells how many sandboxes there are, and how many calls wait for one', async () => {
  const found = await scrape();
  const counts = ['ready', 'booting', 'used', 'queued'].map((state) =>
    found.get(`gantry_sandboxes{state="${state}"}`),
  );
  expect(counts).toEqual([2, 1, 3, 4]);
});

test('no word of a client becomes a label', async () => {
  expect(await complete({ model: 'a-name-of-mine' })).toBe(404);
  expect(await complete({ model: 'council:demo,a-name-of-mine' })).toBe(404);
  expect(await complete({ model: 'council:demo,demo', council: { strategy: 'first' } })).toBe(200);
  const names = [...(await scrape()).keys()].join('\n');
  expect(names).not.toContain('a-name-of-mine');
  expect(names).not.toContain('council:');
});
