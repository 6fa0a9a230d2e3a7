import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { type CuttableProxy, startProxy } from '../integration/http-api-proxy.js';
import { describeWithDocker } from '../support/docker.js';
import { containersOf, untilNoContainers, killContainer } from '../support/sandbox-containers.js';
import { isReady, type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { type DockerProxy, startDockerProxy } from './docker-proxy.js';
import { endOfCall, eventsOf, isOutput, ofType, responseOf, resultOf } from './run-events.js';

/** A text so long that it is stopped long before its end, whatever the model makes of it. */
const ENDLESS = {
  input: `Repeat: ${'918273645 192837465 564738291 '.repeat(25)}`,
  temperature: 0,
  enable_thinking: false,
  enable_tools: false,
} as const;

/** Greedy, and the same each time; half a second and more. */
const LONG = {
  input: 'Repeat: 918273645 192837465 564738291 102938475 675849302 918273645 192837465',
  temperature: 0,
  enable_thinking: false,
  enable_tools: false,
} as const;

const PRINT_SLOWLY = 'import time\nfor step in range(200):\n    print(step, flush=True)\n    time.sleep(0.1)';

const COUNT_TO_THIRTY =
  'import time\nfor step in range(30):\n    print(step, flush=True)\n    time.sleep(0.1)';

describeWithDocker('a whole server in adversity', () => {
  let database: TestDatabase;
  let databaseProxy: CuttableProxy;
  let dockerProxy: DockerProxy;
  let home: string;
  let server: ServerProcess;
  let client: GantryClient;
  let other: GantryClient;

  const start = (port?: number) =>
    startServer({
      home,
      databaseUrl: databaseProxy.url,
      environment: { DOCKER_HOST: dockerProxy.url },
      ...(port === undefined ? {} : { port }),
    });
  const connect = () =>
    new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  const newSession = async () => (await client.createSession()).id;
  const python = (sessionId: string, code: string, options: { tool_call_timeout?: number } = {}) =>
    client.invokeTool({ session_id: sessionId, name: 'python', arguments: { code }, ...options });

  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-'));
    databaseProxy = await startProxy(database.url);
    dockerProxy = await startDockerProxy(join(home, 'docker.sock'));
    server = await start();
    client = connect();
    other = connect();
  });
  afterAll(async () => {
    client.close();
    other.close();
    await server.stop();
    await untilNoContainers(home);
    databaseProxy.close();
    await dockerProxy.cut();
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  describe('a tool', () => {
    test('that never ends is stopped at its time, and the next call works', async () => {
      const sessionId = await newSession();
      const events = await eventsOf(
        client,
        await python(sessionId, 'x = 7\nwhile True: pass', { tool_call_timeout: 1 }),
      );
      expect(endOfCall(events).status).toBe('timed_out');
      expect(resultOf(events)).toContain('timed out after 1 s');
      expect(resultOf(await eventsOf(client, await python(sessionId, 'print(x)')))).toBe('7');
    });

    test('whose output has no end fills neither the log nor the model', async () => {
      const sessionId = await newSession();
      const code = 'while True: print("x" * 1000)';
      const events = await eventsOf(client, await python(sessionId, code, { tool_call_timeout: 2 }));
      expect(endOfCall(events).status).toBe('timed_out');
      const streamed = ofType(events, 'agentic_tool_output').reduce((sum, { text }) => sum + text.length, 0);
      expect(streamed).toBeGreaterThan(1000);
      expect(streamed).toBeLessThan(16 * 1024 * 1024);
      expect(resultOf(events)).toMatch(/bytes .*(cut|left out)/);
      expect(resultOf(await eventsOf(client, await python(sessionId, 'print(1)')))).toBe('1');
    });

    test('that is not there, or is given what it does not take, is refused before anything is made', async () => {
      const sessionId = await newSession();
      const invoke = (name: string, args: Record<string, unknown>) =>
        client.invokeTool({ session_id: sessionId, name, arguments: args });
      await expect(invoke('rm_rf', {})).rejects.toMatchObject({ error: { type: 'not_found_error' } });
      await expect(invoke('__proto__', {})).rejects.toMatchObject({ error: { type: 'not_found_error' } });
      await expect(invoke('python', { code: 7 })).rejects.toMatchObject({
        error: { type: 'invalid_request_error', param: 'arguments.code' },
      });
      expect(await client.sessions.runs(sessionId)).toEqual([]);
    });

    test('whose container is killed has failed and says so; the next call has a new one with the files', async () => {
      const sessionId = await newSession();
      await eventsOf(client, await python(sessionId, 'open("kept.txt", "w").write("kept"); y = 1'));
      const before = new Set(await containersOf(home));
      const call = await python(sessionId, PRINT_SLOWLY);
      await eventsOf(client, call, isOutput);
      for (const id of before) await killContainer(id).catch(() => undefined);
      const events = await eventsOf(client, call);
      expect(endOfCall(events).status).toBe('failed');
      expect(resultOf(events)).toContain('the sandbox was lost');
      const next = await eventsOf(
        client,
        await python(sessionId, 'print(open("kept.txt").read(), "y" in globals())'),
      );
      const [lost] = ofType(next, 'sandbox_state_lost');
      expect(resultOf(next)).toBe(`[${lost?.reason}]\nkept False`);
      expect(lost?.reason).toContain('variables');
    });
  });

  describe('a cancel', () => {
    test('reaches a run that waits behind another, and one in the middle of its text', async () => {
      const sessionId = await newSession();
      const talking = await client.createRun({ ...ENDLESS, session_id: sessionId, cancel_id: 'talking' });
      const queued = await client.createRun({ ...LONG, session_id: sessionId });
      await eventsOf(client, talking, (event) => event.type === 'chunk');
      expect(await other.cancel({ run_id: queued.run.id })).toEqual([queued.run.id]);
      const none = responseOf(await eventsOf(client, queued));
      expect(none).toMatchObject({ stop_reason: 'cancelled', choices: [{ message: { content: '' } }] });
      expect(await other.cancel({ cancel_id: 'talking' })).toEqual([talking.run.id]);
      const said = responseOf(await eventsOf(client, talking));
      expect(said.stop_reason).toBe('cancelled');
      const history = await client.sessions.export(sessionId);
      expect(JSON.stringify(history)).toContain(
        JSON.stringify(said.choices[0]?.message.content).slice(1, -1),
      );
    });

    test('reaches into a tool by the session, and ends its processes', async () => {
      const sessionId = await newSession();
      const call = await python(sessionId, PRINT_SLOWLY);
      await eventsOf(client, call, isOutput);
      expect(await other.cancel({ session_id: sessionId })).toEqual([call.run.id]);
      expect(responseOf(await eventsOf(client, call)).stop_reason).toBe('cancelled');
      expect(resultOf(await eventsOf(client, await python(sessionId, 'print(step < 199)')))).toBe('True');
    });

    test('reaches a run that waits for a person, whose approval is then over', async () => {
      const sessionId = await newSession();
      const run = await client.createRun({
        session_id: sessionId,
        input: 'What is 1234 * 567?',
        temperature: 0,
        agent_permission: 'ask',
      });
      await eventsOf(client, run, (event) => event.type === 'run_waiting');
      const [approval] = await other.approvals.list({ status: 'pending', sessionId });
      expect(await other.cancel({ run_id: run.run.id })).toEqual([run.run.id]);
      expect(responseOf(await eventsOf(client, run)).stop_reason).toBe('cancelled');
      await expect(other.decide(approval?.id ?? '', { decision: 'approve' })).rejects.toMatchObject({
        error: { type: 'conflict_error' },
      });
    });
  });

  describe('an approval', () => {
    const ask = (sessionId: string, options: { approval_timeout?: number } = {}) =>
      client.createRun({
        session_id: sessionId,
        input: 'What is 1234 * 567?',
        temperature: 0,
        agent_permission: 'ask',
        ...options,
      });

    test('that nobody decides denies, and the run goes on', async () => {
      const events = await eventsOf(client, await ask(await newSession(), { approval_timeout: 1 }));
      expect(ofType(events, 'agentic_tool_approval_resolved')).toMatchObject([{ decision: 'expired' }]);
      expect(endOfCall(events).status).toBe('denied');
      expect(responseOf(events).stop_reason).toBe('stop');
    });

    test('outlives kill -9 of the server, is decided over another connection, and only once', async () => {
      const sessionId = await newSession();
      const run = await ask(sessionId);
      await eventsOf(client, run, (event) => event.type === 'run_waiting');
      await server.kill();
      server = await start(server.port);
      const [approval] = await other.approvals.list({ status: 'pending', sessionId });
      const decided = await other.approvals.decide(approval?.id ?? '', {
        decision: 'approve',
        decision_key: 'first',
      });
      expect(decided).toMatchObject({ state: 'approved' });
      const events = await eventsOf(client, run);
      expect(responseOf(events).choices[0]?.message.content).toBe('1234 * 567 = 699678');
      expect(await client.decide(decided.id, { decision: 'approve', decision_key: 'first' })).toEqual(
        decided,
      );
      await expect(client.decide(decided.id, { decision: 'deny' })).rejects.toMatchObject({
        error: { type: 'conflict_error' },
      });
      await expect(other.approvals.decide(decided.id, { decision: 'deny' })).rejects.toMatchObject({
        status: 409,
      });
    });
  });

  describe('what the server stands on', () => {
    test('a Docker engine that stops in mid-call leaves the call alone; new ones work when it is back', async () => {
      const sessionId = await newSession();
      const call = await python(sessionId, COUNT_TO_THIRTY);
      await eventsOf(client, call, isOutput);
      await dockerProxy.cut();
      const events = await eventsOf(client, call);
      expect(endOfCall(events).status).toBe('succeeded');
      expect(resultOf(events).trim().split('\n')).toHaveLength(30);
      await until('the engine is missed', 40_000, async () =>
        python(await newSession(), 'print(1)').then(
          async (made) => endOfCall(await eventsOf(client, made)).status === 'failed',
          (error: Error) => error.message.includes('no tool named "python"'),
        ),
      );
      const chat = await eventsOf(client, await client.createRun({ input: 'Hello!', temperature: 0 }));
      expect(responseOf(chat)).toMatchObject({ stop_reason: 'stop' });
      expect(responseOf(chat).choices[0]?.message.content).not.toBe('');
      await dockerProxy.mend();
      const next = await until('a call works again', 40_000, async () => {
        const result = await python(await newSession(), 'print(6 * 7)').then(
          (made) => eventsOf(client, made),
          () => undefined,
        );
        return result !== undefined && resultOf(result) === '42' && result;
      });
      expect(endOfCall(next).status).toBe('succeeded');
    });

    test('a database that goes away in the middle of a text and of a call: both go on when it is back', async () => {
      const [texts, calls] = [await newSession(), await newSession()];
      const text = await client.createRun({ ...LONG, session_id: texts, max_tokens: 200 });
      const call = await python(calls, COUNT_TO_THIRTY);
      await Promise.all([
        eventsOf(client, text, (event) => event.type === 'chunk'),
        eventsOf(client, call, isOutput),
      ]);
      databaseProxy.cut();
      await until('the server says that it is not ready', 20_000, async () => !(await isReady(server.url)));
      await databaseProxy.mend();
      const output = ofType(await eventsOf(client, call), 'agentic_tool_output').map(
        ({ text: piece }) => piece,
      );
      expect(output.join('').trim().split('\n')).toEqual(
        Array.from({ length: 30 }, (_, step) => String(step)),
      );
      const interrupted = responseOf(await eventsOf(client, text)).choices[0]?.message.content;
      const whole = await eventsOf(client, await client.createRun({ ...LONG, max_tokens: 200 }));
      expect(interrupted).toBe(responseOf(whole).choices[0]?.message.content);
      expect(await isReady(server.url)).toBe(true);
    });
  });
});
