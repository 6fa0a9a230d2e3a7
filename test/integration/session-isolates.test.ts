import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventBus } from '../../src/events/event-bus.js';
import { IsolatePool } from '../../src/sandbox/isolate/isolate-pool.js';
import { scriptedCall } from '../../src/sandbox/isolate/scripted-call.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { createScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';
import { SessionTraces } from '../../src/workspaces/session-traces.js';
import { WorkspaceService } from '../../src/workspaces/workspace.service.js';
import { until } from '../support/until.js';
import { ask, startTestApp, type TestApp } from './http-api-app.js';
import { SessionsClient } from './sessions-client.js';

const isolates = new IsolatePool();

let app: TestApp;
let sessions: SessionsClient;
beforeAll(async () => {
  const providers = [{ provide: IsolatePool, useValue: isolates }];
  app = await startTestApp({ modules: [SessionsModule], providers });
  sessions = new SessionsClient(app);
});
afterAll(async () => {
  await isolates.close();
  await app.close();
});

async function valueOf(sessionId: string, code: string, pool = isolates): Promise<string | undefined> {
  return (await pool.run(sessionId, scriptedCall(code))).value;
}

/** Another process that works runs, with isolates of its own. */
async function anotherWorker() {
  const pool = new IsolatePool();
  const bus = new EventBus(app.databaseUrl, { warn: () => undefined, info: () => undefined });
  await bus.start();
  const forgotten: string[] = [];
  const engine = Object.assign(createScriptedEngine(), {
    forget: (sessionId: string) => void forgotten.push(sessionId),
  });
  const traces = new SessionTraces(app.dataSource, bus, app.get(WorkspaceService), pool, engine);
  traces.onModuleInit();
  return { pool, forgotten, close: () => Promise.all([pool.close(), bus.close()]).then(() => undefined) };
}

test('a deleted session leaves no JavaScript behind', async () => {
  const { id } = await sessions.make();
  await valueOf(id, 'const secret = 1');
  expect(await valueOf(id, 'typeof secret')).toContain('number');
  expect((await ask(app, `/v1/sessions/${id}`, { key: app.keys.alice, method: 'DELETE' })).status).toBe(204);
  expect(await valueOf(id, 'typeof secret')).toContain('undefined');
});

test('one that an import replaced does not go on with its variables', async () => {
  const { id } = await sessions.make();
  await valueOf(id, 'const secret = 1');
  expect((await sessions.put(id, await sessions.exportOf(id))).status).toBe(200);
  expect(await valueOf(id, 'typeof secret')).toContain('undefined');
});

test('what a session left in another process ends there too', async () => {
  const worker = await anotherWorker();
  try {
    const { id } = await sessions.make();
    const { id: other } = await sessions.make();
    for (const session of [id, other]) await valueOf(session, 'const secret = 1', worker.pool);
    await ask(app, `/v1/sessions/${id}`, { key: app.keys.alice, method: 'DELETE' });
    await until('the variables of the deleted session are gone', 5_000, async () =>
      (await valueOf(id, 'typeof secret', worker.pool))?.includes('undefined'),
    );
    expect(await valueOf(other, 'typeof secret', worker.pool)).toContain('number');
    expect(worker.forgotten).toEqual([id]);
  } finally {
    await worker.close();
  }
});
