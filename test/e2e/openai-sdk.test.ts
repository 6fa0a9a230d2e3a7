import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_SHAPE, loraAdapter } from '../fixtures/models/lora-adapter.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';

/** The built server, the real model, the official SDK. */
let home: string;
let database: TestDatabase;
let server: ServerProcess;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-sdk-'));
  database = await createTestDatabase();
  server = await start();
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(home, { recursive: true, force: true });
});

function start(): Promise<ServerProcess> {
  const environment = { GANTRY_API_KEY: TEST_API_KEY, GANTRY_SANDBOX: 'none' };
  return startServer({ home, databaseUrl: database.url, environment });
}

const client = () => new OpenAI({ apiKey: TEST_API_KEY, baseURL: `${server.url}/v1`, maxRetries: 0 });
const python = {
  type: 'function',
  function: {
    name: 'python',
    description: 'Runs Python code.',
    parameters: { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] },
  },
} as const;
const sum = { role: 'user', content: 'What is 1234 * 567?' } as const;

test('a function of the client is called, and its result makes the answer', async () => {
  const first = await client().chat.completions.create({ model: 'demo', messages: [sum], tools: [python] });
  const message = first.choices[0]?.message;
  const call = message?.tool_calls?.[0];
  if (message === undefined || call?.type !== 'function') throw new Error(JSON.stringify(first));
  expect(JSON.parse(call.function.arguments)).toEqual({ code: 'print(1234 * 567)' });
  const second = await client().chat.completions.create({
    model: 'demo',
    messages: [sum, message, { role: 'tool', tool_call_id: call.id, content: '699678\n' }],
    tools: [python],
  });
  expect(second.choices[0]?.message.content).toBe('1234 * 567 = 699678');
  expect(second.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(0);
});

test('a stream says what the whole answer says', async () => {
  const request = { model: 'demo', messages: [{ role: 'user', content: 'Hello!' }] } as const;
  const whole = await client().chat.completions.create({ ...request, messages: [...request.messages] });
  const stream = client().chat.completions.stream({ ...request, messages: [...request.messages] });
  const streamed = await stream.finalChatCompletion();
  expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  expect(whole.choices[0]?.message.content).not.toBe('');
});

test('a call can be forced', async () => {
  const completion = await client().chat.completions.create({
    model: 'demo',
    messages: [{ role: 'user', content: 'Hello!' }],
    tools: [python],
    tool_choice: { type: 'function', function: { name: 'python' } },
  });
  expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
});

test('texts have vectors, the same for the same text, and of length 1', async () => {
  const { data, usage } = await client().embeddings.create({
    model: 'demo',
    input: ['Hello there', 'What is 2 + 2?', 'Hello there'],
  });
  const [first = [], other = [], again = []] = data.map(({ embedding }) => embedding);
  expect(first.length).toBeGreaterThan(64);
  expect(first).toEqual(again);
  expect(first).not.toEqual(other);
  expect(first.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  expect(usage.prompt_tokens).toBeGreaterThan(6);
});

/** One repetition, with what OpenAI's own types do not know. */
function repeat(more: object): Promise<OpenAI.ChatCompletion> {
  const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
    model: 'demo',
    messages: [{ role: 'user', content: 'Repeat after me: the quick brown fox jumps over the lazy dog' }],
    temperature: 0,
    max_completion_tokens: 60,
  };
  return client().chat.completions.create({ ...request, ...more });
}

test('guessed tokens change nothing but the count of those that came true', async () => {
  const plain = await repeat({});
  const guessed = await repeat({ prediction: { type: 'input_lookup' } });
  expect(guessed.choices[0]?.message).toEqual(plain.choices[0]?.message);
  expect(plain.usage?.completion_tokens_details?.accepted_prediction_tokens ?? 0).toBe(0);
  expect(guessed.usage?.completion_tokens_details?.accepted_prediction_tokens).toBeGreaterThan(2);
});

test('an adapter speaks in the run that asks for it, and in no other', async () => {
  const folder = join(home, 'models', 'adapters');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'wild.gguf'), loraAdapter({ ...DEMO_SHAPE, seed: 1, spread: 2 }));
  const said = async (more: object) => (await repeat(more)).choices[0]?.message.content;
  const plain = await said({});
  expect(await said({ use_adapter: 'wild' })).not.toBe(plain);
  expect(await said({})).toBe(plain);
});

test('an input beyond the context is refused with both counts', async () => {
  const refused = client().embeddings.create({ model: 'demo', input: 'word '.repeat(5000) });
  await expect(refused).rejects.toMatchObject({
    status: 400,
    code: 'context_length_exceeded',
    message: expect.stringMatching(/takes \d+ tokens; the model takes \d+ at most/) as string,
  });
});

test('an answer that a killed server had begun is there under the same key, made once', async () => {
  const headers = { 'idempotency-key': 'killed-1' };
  const request = {
    model: 'demo',
    messages: [{ role: 'user', content: `Repeat after me: ${'la '.repeat(20).trim()}` }],
    max_completion_tokens: 600,
    background: true,
  } as const;
  const ask = (stream: boolean) =>
    fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${TEST_API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream }),
    });
  const reader = (await ask(true)).body?.getReader();
  const begun = Buffer.from((await reader?.read())?.value ?? []).toString();
  const id = /"id":"(run_\w+)"/.exec(begun)?.[1];
  await server.kill();
  await reader?.cancel().catch(() => undefined);
  server = await start();
  const completion = (await (await ask(false)).json()) as OpenAI.ChatCompletion;
  expect(completion.id).toBe(id);
  expect(completion.choices[0]?.message.content).toMatch(/^la la/i);
});
