import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { isReady, type ServerProcess, startUnready, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { eventsOf } from './run-events.js';

describe('a server whose model file is no model', () => {
  let database: TestDatabase;
  let home: string;
  let server: ServerProcess;
  let client: GantryClient;

  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-model-'));
    const model = join(home, 'holiday.gguf');
    await writeFile(model, 'Dear diary, today we went to the sea.\n'.repeat(100));
    server = await startUnready({
      home,
      databaseUrl: database.url,
      environment: { MODEL: model, GANTRY_SANDBOX: 'none' },
    });
    client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test('says so, ends runs with the reason, and serves everything else', async () => {
    const reason = await until('the engine has failed', 30_000, async () => {
      const { reasons } = (await (await fetch(`${server.url}/ready`)).json()) as { reasons: string[] };
      return reasons.find((sentence) => sentence.includes('could not be loaded'));
    });
    expect(reason).toContain('GGUF');
    expect(await isReady(server.url)).toBe(false);
    const events = await eventsOf(client, await client.createRun({ input: 'Hello!' }));
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'model_error', incomplete_response: { stop_reason: 'error' } });
    expect(JSON.stringify(last)).toContain('GGUF');
    const { id } = await client.createSession();
    const call = await client.invokeTool({
      session_id: id,
      name: 'javascript',
      arguments: { code: '6 * 7' },
    });
    expect(JSON.stringify((await eventsOf(client, call)).at(-1))).toContain('42');
  });
});
