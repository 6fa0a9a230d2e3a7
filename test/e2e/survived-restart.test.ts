import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { describeWithDocker } from '../support/docker.js';
import { containersOf, killContainer, untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { CarriedSession } from './carried-session.js';
import { endOfCall, eventsOf, isOutput, ofType, resultOf } from './run-events.js';

/** Says so, counts its execution, and prints for some seconds. */
const COUNTED_CALL = [
  'import time',
  'open("count.txt", "a").write("x")',
  'print("begun", flush=True)',
  'for step in range(20):',
  '    print("step", step, flush=True)',
  '    time.sleep(0.15)',
  'kept + 1',
].join('\n');

const PRINTED = ['begun', ...Array.from({ length: 20 }, (_, step) => `step ${step}`)].join('\n');

let home: string;
let database: TestDatabase;
let server: ServerProcess | undefined;
let client: GantryClient | undefined;

async function open(sessionId?: string): Promise<CarriedSession> {
  client?.close();
  const environment = { GANTRY_SANDBOX: 'docker', GANTRY_SANDBOX_SURVIVE_RESTART: 'on' };
  server = await startServer({ home, databaseUrl: database.url, environment });
  client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  return new CarriedSession(client, sessionId ?? (await client.createSession()).id);
}

/** Of the session, on the engine: as it is labelled at the claim, or named. */
async function containerOf(session: CarriedSession): Promise<string> {
  const docker = new Docker();
  const own = new Set(await containersOf(home));
  const all = await docker.listContainers({ all: true });
  const name = session.id.replaceAll(/[^\w.-]/g, '');
  const found = all.filter(({ Id, Names }) => own.has(Id) && Names.some((each) => each.includes(name)));
  expect(found).toHaveLength(1);
  return found[0]?.Id ?? '';
}

describeWithDocker('a server whose sandboxes survive its restart', () => {
  let session: CarriedSession;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-survive-'));
    database = await createTestDatabase();
    session = await open();
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
    // Left for a next server, which does not come.
    for (const id of await containersOf(home)) await killContainer(id);
    await untilNoContainers(home);
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  test('killed in the middle of a call: it runs on, once, and its result arrives; variables are there', async () => {
    await session.python('kept = 41');
    const container = await containerOf(session);
    const call = await session.begin(COUNTED_CALL);
    await eventsOf(session.client, call, isOutput);
    await server?.kill();

    session = await open(session.id);
    const events = await eventsOf(session.client, call);
    expect(endOfCall(events).status, resultOf(events)).toBe('succeeded');
    expect(resultOf(events)).toBe(`${PRINTED}\n42`);
    expect(ofType(events, 'sandbox_state_lost')).toEqual([]);
    let printed = '';
    for (const { offset, text } of ofType(events, 'agentic_tool_output')) {
      expect(offset).toBe(printed.length);
      printed += text;
    }
    expect(printed.trimEnd()).toBe(PRINTED);
    expect(resultOf(await session.python('kept, open("count.txt").read()'))).toBe("(41, 'x')");
    expect(await containerOf(session)).toBe(container);
  });

  test('a call that ended while no server was there is taken as it ended', async () => {
    const call = await session.begin(
      'open("count.txt", "a").write("y")\nprint("begun", flush=True)\nimport time; time.sleep(1)\nopen("ended", "w").close()\nprint("ended")',
    );
    await eventsOf(session.client, call, isOutput);
    const container = new Docker().getContainer(await containerOf(session));
    await server?.kill();
    // Its CPU rests when the call has slept and ended: its own process tells.
    await until('the call has ended', 30_000, async () => {
      const stream = await container.exec({ Cmd: ['test', '-e', '/workspace/ended'] });
      await stream.start({ Detach: true });
      return (await stream.inspect()).ExitCode === 0;
    });

    session = await open(session.id);
    const events = await eventsOf(session.client, call);
    expect(resultOf(events)).toBe('begun\nended');
    expect(resultOf(await session.python('kept, open("count.txt").read()'))).toBe("(41, 'xy')");
    const files = await session.client.files.ofSession(session.id);
    expect(files.some(({ name }) => name === 'ended')).toBe(true);
  });

  test('killed between two calls: the next one finds what the earlier ones left in memory', async () => {
    await session.python('idle = "still there"');
    await server?.kill();
    session = await open(session.id);
    const events = await session.python('idle');
    expect(resultOf(events)).toBe("'still there'");
    expect(ofType(events, 'sandbox_state_lost')).toEqual([]);
  });

  test('stopped in order: it is left as well', async () => {
    await server?.stop();
    session = await open(session.id);
    expect(resultOf(await session.python('idle'))).toBe("'still there'");
  });

  test('where the sandbox died too, the call is in doubt and not run again', async () => {
    const counted = resultOf(await session.python('open("count.txt").read()'));
    const call = await session.begin('print("begun", flush=True)\nimport time; time.sleep(600)');
    await eventsOf(session.client, call, isOutput);
    const container = await containerOf(session);
    await server?.kill();
    await killContainer(container);
    session = await open(session.id);
    const events = await eventsOf(session.client, call);
    expect(endOfCall(events).status).toBe('in_doubt');
    expect(resultOf(events)).toContain('was not run again');
    const next = await session.python('open("count.txt").read()');
    expect(resultOf(next)).toContain(counted);
    expect(ofType(next, 'sandbox_state_lost')).toHaveLength(1);
  });
});
