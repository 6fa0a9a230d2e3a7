import { afterAll, beforeAll, expect, test } from 'vitest';
import { IsolatePool } from '../../src/sandbox/isolate/isolate-pool.js';
import { scriptedCall } from '../../src/sandbox/isolate/scripted-call.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
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

async function valueOf(sessionId: string, code: string): Promise<string | undefined> {
  return (await isolates.run(sessionId, scriptedCall(code))).value;
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
