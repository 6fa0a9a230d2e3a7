import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { eventsOf, isOutput, ofType, responseOf, resultOf } from './run-events.js';

describeWithDocker('JavaScript that calls tools, on a real server', () => {
  let home: string;
  let database: TestDatabase;
  let server: ServerProcess;
  let client: GantryClient;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-nested-'));
    database = await createTestDatabase();
    server = await startServer({ home, databaseUrl: database.url });
    client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  const invoke = (sessionId: string, code: string) =>
    client.invokeTool({ session_id: sessionId, name: 'javascript', arguments: { code } });

  test('one program uses Python, a shell and files, which share one working directory', async () => {
    const { id } = await client.createSession();
    const code = `await tools.python({ code: 'x = 20' });
      const [sum, shell] = await Promise.all([
        tools.python({ code: 'x + 1' }),
        tools.terminal({ commands: ['echo hi > made.txt; cat made.txt; exit 3'] }).catch((error) => error),
      ]);
      await tools.write_file({ path: 'sum.txt', content: sum.value });
      let why; try { await tools.python({ code: '1 / 0' }) } catch (error) { why = error.message }
      [sum.value, shell.stdout, shell.exit_code, await readFile('sum.txt'), await readFile('made.txt'), why.split('\\n').at(-1)]`;
    const events = await eventsOf(client, await invoke(id, code));
    expect(resultOf(events)).toBe(
      '[ "21", "hi\\n", 3, "21", "hi\\n", "ZeroDivisionError: division by zero" ]',
    );
    const [parent, ...children] = responseOf(events).agentic_tool_calls;
    expect(children.map(({ name }) => name)).toEqual([
      'python',
      'python',
      'terminal',
      'write_file',
      'python',
    ]);
    expect(new Set(children.map(({ parent_id }) => parent_id))).toEqual(new Set([parent?.id]));
    const made = ofType(events, 'file').map(({ file, tool_call_id }) => [file.name, tool_call_id]);
    expect(made).toEqual([
      ['made.txt', children[2]?.id],
      ['sum.txt', children[3]?.id],
    ]);
  });

  test('kill -9 in a nested call leaves both in doubt, and says that variables are gone', async () => {
    const { id } = await client.createSession();
    await eventsOf(client, await invoke(id, 'var kept = 1'));
    const run = await invoke(
      id,
      `await tools.terminal({ commands: ['echo once >> count.txt'] });
       await tools.terminal({ commands: ['echo begun; sleep 60'] })`,
    );
    await eventsOf(client, run, isOutput);
    await server.kill();
    server = await startServer({ home, databaseUrl: database.url, port: server.port });
    const events = await eventsOf(client, run);
    expect(responseOf(events).agentic_tool_calls.map(({ name, status }) => [name, status])).toEqual([
      ['javascript', 'in_doubt'],
      ['terminal', 'succeeded'],
      ['terminal', 'in_doubt'],
    ]);
    expect(resultOf(events)).toContain('Its code had called: terminal (succeeded), terminal (in_doubt).');
    const after = await eventsOf(client, await invoke(id, `[typeof kept, await readFile('count.txt')]`));
    expect(resultOf(after)).toBe(
      '[Variables of earlier calls are gone: the server was restarted, or the session moved to another of its processes.]\n' +
        '[ "undefined", "once\\n" ]',
    );
    expect(ofType(after, 'sandbox_state_lost')).toHaveLength(1);
  });
});
