import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './http-api-app.js';
import { startScriptedServer, type ScriptedServer } from './scripted-server.js';
import { likeness } from './vector-conformance.js';

let server: ScriptedServer;
let sdk: OpenAI;
beforeAll(async () => {
  server = await startScriptedServer();
  sdk = new OpenAI({ apiKey: server.keys.alice, baseURL: `${server.url}/v1`, maxRetries: 0 });
});
afterAll(() => server.close());

const post = (path: string, body: unknown, key: string | undefined = server.keys.alice) =>
  ask(server, path, { body, key });
const model = 'scripted';

interface Answer {
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
  readonly usage: unknown;
}

describe('POST /v1/embeddings', () => {
  test('the official SDK, which asks for base64, gets the same numbers as one that asks for them', async () => {
    const input = ['Hello there', 'General words', 'third'];
    const decoded = await sdk.embeddings.create({ model, input });
    const { status, body } = await post('/v1/embeddings', { model, input, encoding_format: 'float' });
    expect(status).toBe(200);
    const plain = body as Answer;
    expect(decoded.data.map(({ embedding }) => Float32Array.from(embedding))).toEqual(
      plain.data.map(({ embedding }) => Float32Array.from(embedding)),
    );
    expect(plain.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(body).toMatchObject({
      object: 'list',
      model,
      data: [{ object: 'embedding' }, {}, {}],
      usage: { prompt_tokens: 5, total_tokens: 5 },
    });
  });

  test('base64 is of little-endian 32-bit numbers', async () => {
    const { body } = await post('/v1/embeddings', { model, input: 'a', encoding_format: 'base64' });
    const { embedding } = (body as { data: { embedding: string }[] }).data[0] as { embedding: string };
    const bytes = Buffer.from(embedding, 'base64');
    const numbers = Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
    expect(likeness(numbers, numbers)).toBeCloseTo(1, 6);
  });

  test.each([
    ['a text', 'one', 1],
    ['texts', ['one', 'two'], 2],
    ['the tokens of one', [1, 2, 3], 1],
    ['the tokens of several', [[1, 2], [3]], 2],
  ])('takes %s', async (_name, input, count) => {
    const { status, body } = await post('/v1/embeddings', { model, input, user: 'u', encoding_format: null });
    expect(status).toBe(200);
    expect((body as Answer).data).toHaveLength(count);
  });

  test('fewer dimensions are the beginning of the vector, of length 1 again', async () => {
    const vectorOf = async (dimensions?: number) => {
      const { body } = await post('/v1/embeddings', { model, input: 'Some words', dimensions });
      return Float32Array.from((body as Answer).data[0]?.embedding ?? []);
    };
    const [whole, short] = [await vectorOf(), await vectorOf(8)];
    expect(short).toHaveLength(8);
    expect(likeness(short, short)).toBeCloseTo(1, 6);
    const ratios = [...short].map((value, index) => value / (whole[index] ?? 0)).filter(Number.isFinite);
    for (const ratio of ratios) expect(ratio).toBeCloseTo(ratios[0] ?? 0, 4);
    expect(await vectorOf(whole.length)).toEqual(whole);
  });

  test.each([
    ['no input', {}, 'input', /must be a text/],
    ['null', { input: null }, 'input', /must be a text/],
    ['an object', { input: { text: 'a' } }, 'input', /must be a text/],
    ['an empty text', { input: '' }, 'input', /empty/],
    ['an empty list', { input: [] }, 'input', /empty/],
    ['an empty text among others', { input: ['a', ''] }, 'input[1]', /empty/],
    ['an empty list of tokens', { input: [[1], []] }, 'input[1]', /empty/],
    ['a mixture', { input: ['a', 1] }, 'input[1]', /string/],
    ['half a token', { input: [1, 2.5] }, 'input[1]', /int/],
    ['a negative token', { input: [[1], [-1]] }, 'input[1][0]', /0/],
    ['too many', { input: Array.from({ length: 2049 }, () => 'a') }, 'input', /2048/],
    ['another format', { input: 'a', encoding_format: 'hex' }, 'encoding_format', /float/],
    ['no dimensions', { input: 'a', dimensions: 0 }, 'dimensions', /0/],
    ['more dimensions than there are', { input: 'a', dimensions: 33 }, 'dimensions', /32 dimensions; 33/],
    ['a cut', { input: 'a', truncate_prompt_tokens: 5 }, 'truncate_prompt_tokens', /not supported/],
  ])('%s is a 400 that names it', async (_name, fields, param, message) => {
    const { status, body } = await post('/v1/embeddings', { model, ...fields });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: { type: 'invalid_request_error', param, message: expect.stringMatching(message) as string },
    });
  });

  test('another model is a 404, and no key a 401', async () => {
    const wrong = await post('/v1/embeddings', { model: 'text-embedding-3-small', input: 'a' });
    expect(wrong).toMatchObject({
      status: 404,
      body: { error: { code: 'model_not_found', param: 'model' } },
    });
    expect((await ask(server, '/v1/embeddings', { body: { model, input: 'a' } })).status).toBe(401);
    expect((await ask(server, '/v1/embeddings', { key: server.keys.alice })).status).toBe(405);
  });
});

describe('POST /v1/rerank', () => {
  const query = 'red apple';
  const documents = ['a blue car', { text: 'a red apple', id: 7 }, 'red car', 'red bus'];

  test('gives the documents in order, the best first and equals as they came', async () => {
    const { status, body } = await post('/v1/rerank', { model, query, documents });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^rerank-/) as string,
      model,
      results: [
        { index: 1, relevance_score: 1, document: { text: 'a red apple' } },
        { index: 2, relevance_score: 0.5, document: { text: 'red car' } },
        { index: 3, relevance_score: 0.5 },
        { index: 0, relevance_score: 0 },
      ],
      usage: { prompt_tokens: 18, total_tokens: 18 },
    });
  });

  test('as many as were asked for, without their texts', async () => {
    const { body } = await post('/v1/rerank', { model, query, documents, top_n: 1, return_documents: false });
    expect((body as { results: unknown }).results).toEqual([{ index: 1, relevance_score: 1 }]);
  });

  test.each([
    ['no query', { documents: ['a'] }, 'query'],
    ['an empty query', { query: '', documents: ['a'] }, 'query'],
    ['no documents', { query: 'q' }, 'documents'],
    ['an empty list', { query: 'q', documents: [] }, 'documents'],
    ['an empty document', { query: 'q', documents: ['a', { text: '' }] }, 'documents[1].text'],
    ['a document of another kind', { query: 'q', documents: [{ image: 'x' }] }, 'documents[0].text'],
    ['none wanted', { query: 'q', documents: ['a'], top_n: 0 }, 'top_n'],
    ['a cut', { query: 'q', documents: ['a'], max_chunks_per_doc: 3 }, 'max_chunks_per_doc'],
  ])('%s is a 400 that names it', async (_name, fields, param) => {
    const { status, body } = await post('/v1/rerank', { model, ...fields });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });
});
