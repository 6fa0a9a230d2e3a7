import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { describeWithBubblewrap } from '../support/bubblewrap.js';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { describeWithTwoEngines, type SecondEngine, startSecondEngine } from '../support/second-engine.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { CarriedSession, MADE_TREE, MAKE_TREE, type Tree } from './carried-session.js';
import { endOfCall, eventsOf, isOutput, resultOf } from './run-events.js';

/** Two machines with one database: each has a data directory of its own, and its own place for sandboxes. */
interface Machine {
  readonly home: string;
  readonly environment: Readonly<Record<string, string>>;
}

let folder: string;
let database: TestDatabase;
let server: ServerProcess | undefined;
let client: GantryClient | undefined;

async function machine(name: string, environment: Machine['environment']): Promise<Machine> {
  const home = join(folder, name);
  await mkdir(home);
  return { home, environment };
}

/** The session, or a new one, as a server that is started on that machine has it. */
async function open({ home, environment }: Machine, sessionId?: string): Promise<CarriedSession> {
  client?.close();
  server = await startServer({ home, environment, databaseUrl: database.url });
  client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  return new CarriedSession(client, sessionId ?? (await client.createSession()).id);
}

async function setUp(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'gantry-e2e-carried-'));
  // A sandbox of bubblewrap runs under another account, which passes through here.
  await chmod(folder, 0o711);
  database = await createTestDatabase();
}

async function tearDown(): Promise<void> {
  client?.close();
  await server?.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
}

describeWithTwoEngines('a session whose server is killed, taken over with another Docker engine', () => {
  let second: SecondEngine;
  let here: Machine;
  let there: Machine;
  let session: CarriedSession;
  let tree: Tree = MADE_TREE;

  beforeAll(async () => {
    await setUp();
    second = await startSecondEngine(await sandboxImage(join(PROJECT_ROOT, 'sandboxes')));
    here = await machine('here', { GANTRY_SANDBOX: 'docker' });
    there = await machine('there', { GANTRY_SANDBOX: 'docker', DOCKER_HOST: second.dockerHost });
  });
  afterAll(async () => {
    await tearDown();
    await second.stop();
  });

  test('between two calls: the files come along byte for byte, variables do not, and both are told', async () => {
    session = await open(here);
    await session.python(MAKE_TREE);
    expect(resultOf(await session.python('kept'))).toBe('42');
    await server?.kill();
    await untilNoContainers(here.home);

    session = await open(there, session.id);
    await session.findsAfterMove(tree);
    await session.serves(tree);
    expect(await session.terminal('./run.sh; stat -c %a run.sh plain.txt')).toBe('it ran\n755\n644');
    await session.python('open("plain.txt", "a").write("three\\n"); os.remove("empty.txt"); kept = 43');
    const { 'empty.txt': _, ...rest } = tree;
    tree = { ...rest, 'plain.txt': Buffer.from('one\ntwo\nthree\n') };
  });

  test('in the middle of a call: that is in doubt, and on the first engine the tree is as before it', async () => {
    const call = await session.begin(
      'import time\nopen("half.txt", "w").write("half")\nprint("begun", flush=True)\ntime.sleep(600)',
    );
    await eventsOf(session.client, call, isOutput);
    await server?.kill();
    await untilNoContainers(there.home, second.docker);

    session = await open(here, session.id);
    const events = await eventsOf(session.client, call);
    expect(endOfCall(events).status).toBe('in_doubt');
    expect(resultOf(events)).toContain('is not known; it was not run again');
    await session.findsAfterMove(tree);
    await session.serves(tree);
  });

  test('stopped in order: no engine has a container left', async () => {
    await server?.stop();
    server = undefined;
    await untilNoContainers(here.home);
    await untilNoContainers(there.home, second.docker);
    expect(await second.docker.listContainers({ all: true })).toEqual([]);
  });
});

const describeWithBoth =
  process.env['GANTRY_TEST_WITHOUT_DOCKER'] === undefined ? describeWithBubblewrap : describeWithDocker;

describeWithBoth('a session that goes from Docker to bubblewrap', () => {
  beforeAll(setUp);
  afterAll(tearDown);

  test('has its files there, and both client and model are told that variables are gone', async () => {
    const docker = await machine('docker', { GANTRY_SANDBOX: 'docker' });
    const bubblewrap = await machine('bubblewrap', { GANTRY_SANDBOX: 'bubblewrap' });
    await symlink(join(PROJECT_ROOT, '.toolchain', 'rootfs'), join(bubblewrap.home, 'rootfs'));
    const before = await open(docker);
    await before.python(MAKE_TREE);
    await server?.kill();
    await untilNoContainers(docker.home);
    const after = await open(bubblewrap, before.id);
    await after.findsAfterMove(MADE_TREE);
    expect(await after.terminal('sh run.sh')).toBe('it ran');
  });
});
