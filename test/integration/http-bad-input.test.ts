import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiModule } from '../../src/api/api.module.js';
import { FilesHttpModule } from '../../src/files/files-http.module.js';
import { sessionViewSchema } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, startTestApp, type TestApp } from './http-api-app.js';
import { RunsTestModule } from './http-api-runs.js';

let app: TestApp;
let key: string;
beforeAll(async () => {
  app = await startTestApp({ modules: [ApiModule, SessionsModule, FilesHttpModule, RunsTestModule] });
  key = app.keys.alice;
});
afterAll(() => app.close());

async function makeSession(): Promise<string> {
  return sessionViewSchema.parse((await ask(app, '/v1/sessions', { key, body: {} })).body).id;
}

describe('bad input', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);

  it.each([
    ['malformed JSON', '{"title": ', 'malformed_json', null],
    ['a tower of brackets', deep, 'json_too_deep', null],
    ['a tower in a field', `{"title": ${deep}}`, 'json_too_deep', null],
    ['a prototype key', '{"__proto__": {"title": "x"}}', 'unknown_field', '__proto__'],
    ['a hidden prototype key', '{"title": "x", "a": {"\\u005f_proto__": 1}}', 'unknown_field', 'a.__proto__'],
    ['an unknown field', '{"title": "x", "colour": "red"}', 'unknown_field', 'colour'],
    ['a constructor key', '{"constructor": {"prototype": 1}}', 'unknown_field', 'constructor'],
    ['a wrong type', '{"title": 7}', 'invalid_value', 'title'],
    ['too long a text', `{"title": "${'x'.repeat(300)}"}`, 'invalid_value', 'title'],
    ['NUL', '{"title": "a\\u0000b"}', 'invalid_text', 'title'],
    ['half a surrogate pair', '{"title": "\\ud800"}', 'invalid_text', 'title'],
    ['no object', '[]', 'invalid_value', null],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 'malformed_json', null],
  ])('%s is refused by name', async (_what, raw, code, param) => {
    const answer = await ask(app, '/v1/sessions', { key, method: 'POST', raw });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: { type: 'invalid_request_error', code, param } });
  });

  it('in a nested place is named by its path, with what was expected', async () => {
    const session = await makeSession();
    const tools = [{ type: 'function', function: { name: 'has spaces' } }];
    const answer = await ask(app, `/v1/sessions/${session}/runs`, { key, body: { input: 'x', tools } });
    expect(answer).toMatchObject({ status: 400, body: { error: { param: 'tools[0].function.name' } } });
    const missing = await ask(app, `/v1/sessions/${session}/runs`, { key, body: {} });
    expect(missing.body).toMatchObject({
      error: { param: 'input', message: '`input`: expected string, received undefined.' },
    });
    const smuggled = await ask(app, `/v1/sessions/${session}/runs`, {
      key,
      body: { input: 'x', session_id: 'y' },
    });
    expect(smuggled.body).toMatchObject({ error: { code: 'unknown_field', param: 'session_id' } });
    for (const decision of ['maybe', null]) {
      const decided = await ask(app, '/v1/agent/approvals/appr_x', { key, body: { decision } });
      expect(decided).toMatchObject({ status: 400, body: { error: { param: 'decision' } } });
    }
    expect((await ask(app, '/v1/agent/approvals?status=open', { key })).body).toMatchObject({
      error: { param: 'status' },
    });
  });

  it('too large is refused, announced or not', async () => {
    const raw = `{"title": "${'x'.repeat(17 * 1024 * 1024)}"}`;
    const announced = await ask(app, '/v1/sessions', { key, method: 'POST', raw });
    expect(announced).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } });
    const chunked = await fetch(`${app.url}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: ReadableStream.from([new TextEncoder().encode(raw)]),
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
  });

  it('of a stranger is not even read', async () => {
    const answer = await firstAnswer(
      'POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('of another content type is refused with 415', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/jsonp']) {
      const answer = await ask(app, '/v1/sessions', {
        key,
        method: 'POST',
        raw: '{}',
        headers: { 'content-type': type },
      });
      expect(answer).toMatchObject({ status: 415, body: { error: { code: 'unsupported_media_type' } } });
    }
    const packed = { 'content-encoding': 'gzip' };
    expect((await ask(app, '/v1/sessions', { key, method: 'POST', raw: '{}', headers: packed })).status).toBe(
      415,
    );
  });

  it('in a path is a 404 or 400, never a 500', async () => {
    for (const id of [
      '%00',
      '%ff',
      '%E0%A4%A',
      '..%2f..%2fetc',
      "'; DROP TABLE sessions; --",
      'x'.repeat(5000),
      '%F0%9F',
    ]) {
      for (const path of [
        `/v1/sessions/${id}`,
        `/v1/runs/${id}`,
        `/v1/agent/approvals/${id}`,
        `/v1/files/${id}`,
      ]) {
        const { status } = await ask(app, path, { key });
        expect([path, [400, 404].includes(status)]).toEqual([path, true]);
      }
    }
  });

  it('in a query is named', async () => {
    const answer = await ask(app, '/v1/sessions?limit[$gt]=1', { key });
    expect(answer.status).toBe(400);
    expect((await ask(app, '/v1/sessions?__proto__[x]=1', { key })).status).toBeLessThan(500);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

/** What the server says to bytes that are never completed. */
async function firstAnswer(bytes: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(bytes));
  socket.setEncoding('utf8');
  socket.once('data', (data: string) => {
    resolve(data);
    socket.destroy();
  });
  socket.once('error', reject);
  return promise;
}
