import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiModule } from '../../src/api/api.module.js';
import { FilesHttpModule } from '../../src/files/files-http.module.js';
import { newId } from '../../src/ids.js';
import { ObservabilityModule } from '../../src/observability/observability.module.js';
import { runViewSchema } from '../../src/runs/run-view.js';
import type { RunView } from '../../src/runs/run-view.js';
import { sessionViewSchema } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, startTestApp } from './http-api-app.js';
import type { TestApp } from './http-api-app.js';
import { startProxy } from './http-api-proxy.js';
import type { CuttableProxy } from './http-api-proxy.js';
import { RunsTestModule } from './http-api-runs.js';

let app: TestApp;
let proxy: CuttableProxy;
let key: string;
beforeAll(async () => {
  app = await startTestApp({
    modules: [ApiModule, SessionsModule, FilesHttpModule, ObservabilityModule, RunsTestModule],
    reachDatabase: async (url) => {
      proxy = await startProxy(url);
      return proxy.url;
    },
  });
  key = app.keys.alice;
});
afterAll(async () => {
  await app.close();
  proxy.close();
});

async function makeSession(): Promise<string> {
  return sessionViewSchema.parse((await ask(app, '/v1/sessions', { key, body: {} })).body).id;
}

async function makeRun(sessionId: string, body: object = {}): Promise<RunView> {
  const answer = await ask(app, `/v1/sessions/${sessionId}/runs`, { key, body: { input: 'hello', ...body } });
  expect(answer.status).toBe(201);
  return runViewSchema.parse(answer.body);
}

async function makeApproval(
  sessionId: string,
  runId: string,
): Promise<{ approvalId: string; callId: string }> {
  const [approvalId, callId] = [newId('appr'), newId('call')];
  await app.dataSource.query(
    `INSERT INTO tool_calls (id, run_id, session_id, round, index, name, arguments, arguments_hash, state)
     VALUES ($1, $2, $3, 0, 0, 'python', '{}', 'x', 'awaiting_approval')`,
    [callId, runId, sessionId],
  );
  await app.dataSource.query(
    `INSERT INTO approvals (id, tool_call_id, run_id, session_id, owner, state, tool_name, tool, arguments, arguments_hash)
     VALUES ($1, $2, $3, $4, 'alice', 'pending', 'python',
       '{"source":"built_in","kind":"code_execution","label":"Python code"}', '{}', 'x')`,
    [approvalId, callId, runId, sessionId],
  );
  return { approvalId, callId };
}
describe('runs', () => {
  it('are made once for one idempotency key, then looked up, listed and cancelled', async () => {
    const session = await makeSession();
    const run = await makeRun(session, { idempotency_key: 'once' });
    const again = await ask(app, `/v1/sessions/${session}/runs`, {
      key,
      body: { input: 'hello', idempotency_key: 'once' },
    });
    expect(again).toMatchObject({ status: 200, body: { id: run.id } });
    const other = await ask(app, `/v1/sessions/${session}/runs`, {
      key,
      body: { input: 'bye', idempotency_key: 'once' },
    });
    expect(other).toMatchObject({
      status: 409,
      body: { error: { type: 'conflict_error', param: 'idempotency_key' } },
    });
    expect((await ask(app, `/v1/runs/${run.id}`, { key })).body).toMatchObject({
      id: run.id,
      state: 'queued',
    });
    expect((await ask(app, `/v1/sessions/${session}/runs`, { key })).body).toMatchObject({
      data: [{ id: run.id }],
    });
    const status = await ask(app, '/api/inference/status', { key });
    expect(status.body).toMatchObject({ engine: { state: 'closed' }, runs: { queued: 1, running: 0 } });
    const cancelled = await ask(app, '/api/inference/cancel', { key, body: { run_id: run.id } });
    expect(cancelled).toMatchObject({ status: 200, body: { cancelled: [run.id] } });
  });

  it('are not cancelled by bodies that say nothing', async () => {
    for (const raw of ['', '{', 'null', '[]', '"x"', '{"run_id": 7}', '{"__proto__": {"run_id": "x"}}']) {
      const answer = await ask(app, '/api/inference/cancel', { key, method: 'POST', raw });
      expect([raw, answer.status, answer.body]).toEqual([raw, 200, { cancelled: [] }]);
    }
  });

  it('name the model', async () => {
    expect((await ask(app, '/v1/models', { key })).body).toMatchObject({
      object: 'list',
      data: [{ id: 'demo', object: 'model', owned_by: 'gantry' }],
    });
  });
});

describe('someone else', () => {
  it('is told of nothing by any id', async () => {
    const session = await makeSession();
    const run = await makeRun(session);
    const { approvalId, callId } = await makeApproval(session, run.id);
    const uploaded = new FormData();
    uploaded.append('file', new Blob(['private']), 'private.txt');
    uploaded.append('purpose', 'user_data');
    const upload = await fetch(`${app.url}/v1/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: uploaded,
    });
    const { id: fileId } = z.object({ id: z.string() }).parse(await upload.json());
    const routes: [string, string, unknown?][] = [
      ['GET', `/v1/sessions/${session}/runs`],
      ['POST', `/v1/sessions/${session}/runs`, { input: 'mine' }],
      ['POST', `/v1/sessions/${session}/tool_calls`, { name: 'python', arguments: {} }],
      ['GET', `/v1/sessions/${session}/rules`],
      ['DELETE', `/v1/sessions/${session}/rules/rule_1`],
      ['GET', `/v1/runs/${run.id}`],
      ['POST', `/v1/runs/${run.id}/steer`, { text: 'obey me' }],
      ['GET', `/v1/agent/approvals/${approvalId}`],
      ['POST', `/v1/agent/approvals/${approvalId}`, { decision: 'approve' }],
      ['POST', '/v1/tool_results', { tool_call_id: callId, content: 'forged' }],
      ['GET', `/v1/files/${fileId}`],
      ['GET', `/v1/files/${fileId}/content`],
      ['DELETE', `/v1/files/${fileId}`],
    ];
    for (const [method, path, body] of routes) {
      const options = { method, ...(body === undefined ? {} : { body }) };
      const theirs = await ask(app, path, { key: app.keys.bob, ...options });
      expect([method, path, theirs.status]).toEqual([method, path, 404]);
      expect(theirs.body).toMatchObject({ error: { type: 'not_found_error' } });
      expect((await ask(app, path, options)).status).toBe(401);
    }
    for (const query of ['', `?session_id=${session}`, '?status=pending']) {
      const listed = await ask(app, `/v1/agent/approvals${query}`, { key: app.keys.bob });
      expect(listed.body).toEqual({ object: 'list', data: [] });
    }
    const keys = { run_id: run.id, session_id: session };
    const cancelled = await ask(app, '/api/inference/cancel', { key: app.keys.bob, body: keys });
    expect(cancelled.body).toEqual({ cancelled: [] });
    const own = await ask(app, `/v1/agent/approvals?status=pending&session_id=${session}`, { key });
    expect(own.body).toMatchObject({ data: [{ id: approvalId, state: 'pending' }] });
  });
});

describe('routes', () => {
  it('that are not there are 404, with another method 405', async () => {
    expect(await ask(app, '/v1/nothing', { key })).toMatchObject({
      status: 404,
      body: { error: { code: 'route_not_found', message: 'There is no route GET /v1/nothing.' } },
    });
    const wrong = await ask(app, '/v1/sessions/some/fork', { key, method: 'DELETE' });
    expect(wrong).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } });
    expect(wrong.headers.get('allow')).toBe('POST');
  });

  it('answer with safe headers and a request id', async () => {
    const own = await ask(app, '/health');
    expect(own.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(own.headers.get('x-powered-by')).toBeNull();
    expect(own.headers.get('x-content-type-options')).toBe('nosniff');
    const given = await ask(app, '/v1/nothing', { headers: { 'x-request-id': 'trace-7' } });
    expect(given.headers.get('x-request-id')).toBe('trace-7');
    const forged = await ask(app, '/health', { headers: { 'x-request-id': '{"level":60} forged' } });
    expect(forged.headers.get('x-request-id')).toMatch(/^req_/);
  });
});

describe('a database that goes away', () => {
  it('is a 503 that says so, and all is well when it is back', async () => {
    const session = await makeSession();
    proxy.cut();
    const away = await ask(app, `/v1/sessions/${session}`, { key });
    expect(away).toMatchObject({
      status: 503,
      body: { error: { type: 'api_error', code: 'database_unavailable' } },
    });
    expect(away.headers.get('retry-after')).toBe('2');
    expect((await ask(app, '/health', { key })).status).toBe(200);
    expect(await ask(app, '/ready')).toMatchObject({ status: 503, body: { database: 'unreachable' } });
    await proxy.mend();
    await expect.poll(async () => (await ask(app, `/v1/sessions/${session}`, { key })).status).toBe(200);
  });
});
