import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { SandboxSpec } from '../../src/sandbox/sandbox.js';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import { serializedSessionSchema } from '../../src/sessions/session-export.js';
import { sessionViewSchema } from '../../src/sessions/session-request.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { createPythonTool } from '../../src/tools/python/python.tool.js';
import { createTerminalTool } from '../../src/tools/terminal/terminal.tool.js';
import { ManifestRepository } from '../../src/workspaces/manifest.repository.js';
import { SandboxMirror } from '../../src/workspaces/sandbox-mirror.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import type { TestDatabase } from '../support/test-database.js';
import { openFilesFixture } from './files-fixture.js';
import { ask, startTestApp, type Answer, type TestApp } from './http-api-app.js';
import {
  follow,
  newDatabase,
  ofType,
  OWNER,
  startWorker,
  workToEnd,
  type WorkerProcess,
} from './run-harness.js';

const ALLOWED = 'pypi.org,*.example.org';
const NEW_ID = () => `sess_${crypto.randomUUID().replaceAll('-', '')}`;

describe('the hosts of a session', () => {
  let app: TestApp;
  let key: string;
  beforeAll(async () => {
    app = await startTestApp({ modules: [SessionsModule], environment: { GANTRY_SANDBOX_EGRESS: ALLOWED } });
    key = app.keys.alice;
  });
  afterAll(() => app.close());

  const make = (body: unknown): Promise<Answer> => ask(app, '/v1/sessions', { key, method: 'POST', body });

  test('are none by default, shown, kept by forks and exports, and absent in older exports', async () => {
    expect((await make({})).body).toMatchObject({ egress: [] });
    const egress = ['pypi.org', 'files.example.org:443'];
    const made = await make({ egress });
    expect(made).toMatchObject({ status: 201, body: { egress } });
    const { id } = sessionViewSchema.parse(made.body);
    const forked = await ask(app, `/v1/sessions/${id}/fork`, { key, body: {} });
    expect(forked).toMatchObject({ status: 201, body: { egress } });
    const past = serializedSessionSchema.parse((await ask(app, `/v1/sessions/${id}`, { key })).body);
    expect(past.session.egress).toEqual(egress);
    const put = (target: string, session: unknown): Promise<Answer> =>
      ask(app, `/v1/sessions/${target}`, { key, method: 'PUT', body: { ...past, session } });
    const target = NEW_ID();
    expect(await put(target, past.session)).toMatchObject({ status: 201, body: { egress } });
    const { egress: _absent, ...older } = past.session;
    expect(await put(target, older)).toMatchObject({ status: 200, body: { egress: [] } });
    const wider = await put(target, { ...past.session, egress: ['elsewhere.example'] });
    expect(wider).toMatchObject({ status: 400, body: { error: { code: 'egress_not_allowed' } } });
  });

  test.each([
    [['elsewhere.example'], 'egress_not_allowed', 'GANTRY_SANDBOX_EGRESS allows: pypi.org, *.example.org'],
    [['pypi.org:22'], 'egress_not_allowed', 'does not allow sandboxes to reach "pypi.org:22"'],
    [['*'], 'egress_not_allowed', 'does not allow'],
    [['https://pypi.org/simple'], 'invalid_host_pattern', 'without a scheme or a path'],
    [['pypi.org', ''], 'invalid_host_pattern', '"" is no host'],
    ['pypi.org', 'invalid_value', ''],
    [[7], 'invalid_value', ''],
    [Array.from({ length: 65 }, (_, index) => `h${index}.example.org`), 'invalid_value', ''],
  ])('%o are refused', async (egress, code, words) => {
    const { status, body } = await make({ egress });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error' } });
    if (code === 'invalid_value') return;
    expect(body).toMatchObject({ error: { code, param: 'egress', message: expect.stringContaining(words) } });
  });

  test('cannot be changed later', async () => {
    const { id } = sessionViewSchema.parse((await make({})).body);
    const changed = await ask(app, `/v1/sessions/${id}`, {
      key,
      method: 'PATCH',
      body: { egress: ['pypi.org'] },
    });
    expect(changed.status).toBe(400);
  });
});

test('a server that allows no network says how it would', async () => {
  const app = await startTestApp({ modules: [SessionsModule] });
  try {
    const answer = await ask(app, '/v1/sessions', {
      key: app.keys.alice,
      method: 'POST',
      body: { egress: ['pypi.org'] },
    });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        error: {
          code: 'egress_not_allowed',
          message: 'This server allows sandboxes no network. GANTRY_SANDBOX_EGRESS turns it on.',
        },
      },
    });
  } finally {
    await app.close();
  }
});

describe('a call in a session with hosts', () => {
  let database: TestDatabase;
  let worker: WorkerProcess;
  const sandboxes = new ScriptedSandboxProvider();
  beforeAll(async () => {
    database = await newDatabase();
    const tools = [createPythonTool(sandboxes), createTerminalTool(sandboxes)];
    worker = await startWorker(database, tools, [], { GANTRY_SANDBOX_EGRESS: ALLOWED });
  });
  afterAll(async () => {
    await worker.close();
    await database.drop();
  });

  test.each([
    ['python', { code: '1' }],
    ['terminal', { commands: ['ls'] }],
  ])('asks before %s runs, and the model is told of the hosts', async (name, args) => {
    const { id } = await worker.sessions.create(OWNER, { egress: ['pypi.org'] });
    worker.engine.enqueue(calls({ name, arguments: args }));
    const { run } = await worker.runs.create(OWNER, { input: 'go', session_id: id });
    const events = await follow(worker, id, (event) => event.type === 'run_waiting');
    expect(ofType(events, 'agentic_tool_approval_required')).toMatchObject([{ tool_name: name }]);
    expect(await worker.runs.get(OWNER, run.id)).toMatchObject({ state: 'waiting_approval' });
    const told = worker.engine.requests.at(-1)?.tools?.find((tool) => tool.name === name)?.description;
    expect(told).toContain('Of the network only these hosts can be reached: pypi.org.');
  });

  test('does not ask where there are none, or where the server allows them no more', async () => {
    const { id } = await worker.sessions.create(OWNER, {});
    for (const egress of [[], ['elsewhere.example']]) {
      await worker.dataSource.query('UPDATE sessions SET egress = $2 WHERE id = $1', [
        id,
        JSON.stringify(egress),
      ]);
      worker.engine.enqueue(calls({ name: 'python', arguments: { code: '1' } }), says('Done.'));
      const { events } = await workToEnd(worker, { input: 'go', session_id: id });
      expect(ofType(events, 'agentic_tool_approval_required')).toEqual([]);
      expect(events.at(-1)?.type).toBe('done');
    }
  });
});

test("a session's sandbox is asked for with the session's hosts", async () => {
  const fixture = await openFilesFixture();
  const specs: SandboxSpec[] = [];
  const provider = new ScriptedSandboxProvider();
  const acquire = provider.acquire.bind(provider);
  provider.acquire = (spec, signal) => {
    specs.push(spec);
    return acquire(spec, signal);
  };
  const { dataSource, files, config } = fixture;
  const mirror = new SandboxMirror(files, provider);
  const manifest = new ManifestRepository(dataSource);
  const workspaces = new WorkspaceService(dataSource, files, manifest, mirror, provider, config);
  const sessionId = await fixture.insertSession('ann');
  await dataSource.query(`UPDATE sessions SET egress = '["pypi.org"]' WHERE id = $1`, [sessionId]);
  const runId = await fixture.insertRun(sessionId, 'ann');
  const workspace = workspaces.open({
    sessionId,
    owner: 'ann',
    runId,
    generation: 1,
    tool: 'python',
    round: 0,
    turn: 1,
    offTheClock: (work) => work(),
    waitForSandbox: (wait) => wait(new AbortController().signal, () => undefined),
    toolCallId: await fixture.insertToolCall(runId, sessionId, 'python'),
    onFile: () => Promise.resolve(),
    onMissingFile: () => Promise.resolve(),
    onStateLost: () => Promise.resolve(),
  });
  await workspace.withSandbox(() => Promise.resolve({ changes: [] }));
  expect(specs).toMatchObject([{ egress: ['pypi.org'] }]);
  await provider.close();
  await fixture.close();
});
