import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { fold } from '../../src/client/fold.js';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import { scriptedTool } from './run-harness.js';
import { type ScriptedServer, startScriptedServer } from './scripted-server.js';

let server: ScriptedServer;
let engine: ScriptedServer['engine'];
let url: string;
let keys: ScriptedServer['keys'];
const clients: GantryClient[] = [];

beforeAll(async () => {
  server = await startScriptedServer([scriptedTool('echo')]);
  ({ engine, url, keys } = server);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server?.close();
});

function connect(name: 'alice' | 'bob' = 'alice'): GantryClient {
  const client = new GantryClient({ url, apiKey: keys[name], openSocket: openNodeSocket });
  clients.push(client);
  return client;
}

async function collect(events: AsyncIterable<WireEvent>): Promise<WireEvent[]> {
  const collected: WireEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

async function replay(client: GantryClient, sessionId: string): Promise<WireEvent[]> {
  const events: WireEvent[] = [];
  for await (const item of client.session(sessionId).events()) {
    if (item.type === 'live') break;
    if (item.type !== 'snapshot') events.push(item);
  }
  return events;
}

describe('a run over the socket', () => {
  test('streams from its first event to its last; the replay says the same', async () => {
    engine.enqueue(says('Hello there.'));
    const client = connect();
    const live = await collect(client.run({ input: 'Hello' }));
    expect(live[0]).toMatchObject({ type: 'message', content: 'Hello', seq: 1 });
    expect(live.at(-1)).toMatchObject({ type: 'done' });
    const sessionId = live[0]?.session_id ?? '';
    const replayed = await replay(connect(), sessionId);
    expect(replayed.map(({ seq }) => seq)).toEqual(replayed.map((_, index) => index + 1));
    expect(fold(replayed)).toEqual(fold(live));
    expect(fold(live).entries).toMatchObject([
      { type: 'message', content: 'Hello' },
      { type: 'run', phase: 'ended', stop_reason: 'stop', rounds: [{ content: 'Hello there.' }] },
    ]);
  });

  test('the second run of a session starts where its ack says', async () => {
    engine.enqueue(says('One.'), says('Two.'));
    const client = connect();
    const first = await collect(client.run({ input: 'one' }));
    const sessionId = first[0]?.session_id ?? '';
    const second = await collect(client.run({ input: 'two', session_id: sessionId }));
    expect(second[0]).toMatchObject({ type: 'message', content: 'two' });
    expect(second[0]?.seq).toBeGreaterThan(first.at(-1)?.seq ?? 0);
  });

  test('an approval is decided from another connection, with edited arguments', async () => {
    engine.enqueue(calls({ name: 'echo', arguments: { value: 'raw' } }), says('Done.'));
    const seen: WireEvent[] = [];
    for await (const event of connect().run({ input: 'go', agent_permission: 'ask' })) {
      seen.push(event);
      if (event.type !== 'agentic_tool_approval_required') continue;
      const other = connect();
      await expect(connect('bob').decide(event.approval_id, { decision: 'approve' })).rejects.toMatchObject({
        error: { type: 'not_found_error' },
      });
      const decision = { decision: 'approve' as const, edited_arguments: { value: 'edited' } };
      expect(await other.decide(event.approval_id, decision)).toMatchObject({ state: 'approved' });
      await expect(other.decide(event.approval_id, { decision: 'deny' })).rejects.toMatchObject({
        error: { type: 'conflict_error' },
      });
    }
    const complete = seen.find(
      (event) => event.type === 'agentic_tool_call_progress' && event.phase === 'complete',
    );
    expect(complete).toMatchObject({ status: 'succeeded', data: { content: 'echo: edited' } });
    expect(seen.at(-1)).toMatchObject({ type: 'done' });
  });

  test('the same key gives the same run, another request under it is a conflict', async () => {
    engine.enqueue(says('Once.'));
    const client = connect();
    const request = { input: 'once', idempotency_key: crypto.randomUUID() };
    const first = await client.createRun(request);
    const again = await client.createRun(request);
    expect(again).toMatchObject({ run: { id: first.run.id }, created: false, after_seq: first.after_seq });
    await expect(client.createRun({ ...request, input: 'twice' })).rejects.toMatchObject({
      error: { type: 'conflict_error', param: 'idempotency_key' },
    });
    for await (const item of client.session(first.session_id).events()) if (item.type === 'done') break;
  });

  test('a session that was replaced is told as a snapshot, then goes on', async () => {
    engine.enqueue(says('Old.'), says('New.'));
    const client = connect();
    const [first] = await collect(client.run({ input: 'old' }));
    const sessionId = first?.session_id ?? '';
    const headers = { authorization: `Bearer ${keys.alice}`, 'content-type': 'application/json' };
    const path = `${url}/v1/sessions/${sessionId}`;
    const replace = async () => {
      const body = await (await fetch(path, { headers })).text();
      expect((await fetch(path, { method: 'PUT', headers, body })).status).toBe(200);
    };
    await replace();
    const seen: string[] = [];
    for await (const item of connect().session(sessionId).events()) {
      seen.push(item.type);
      const isLive = item.type === 'live';
      // Once more, under the eyes of who follows it.
      if (isLive && seen.length === 2) await replace();
      else if (isLive) await client.createRun({ input: 'new', session_id: sessionId });
      if (item.type === 'done') break;
    }
    expect(seen.slice(0, 5)).toEqual(['snapshot', 'live', 'snapshot', 'live', 'message']);
  });

  test('a run tied to its connection is cancelled when the connection goes', async () => {
    engine.enqueue({ steps: [{ type: 'wait', until: new Promise(() => undefined) }] });
    const client = connect();
    const { run, session_id: sessionId } = await client.createRun({
      input: 'wait',
      cancel_on_disconnect: true,
    });
    client.close();
    for await (const item of connect().session(sessionId).events())
      if (item.type === 'done') {
        expect(item).toMatchObject({ run_id: run.id, response: { stop_reason: 'cancelled' } });
        break;
      }
  });

  test('a cancel that comes before its run applies to it', async () => {
    const client = connect();
    const cancelId = crypto.randomUUID();
    expect(await client.cancel({ cancel_id: cancelId })).toEqual([]);
    const events = await collect(client.run({ input: 'never', cancel_id: cancelId }));
    expect(events.at(-1)).toMatchObject({ type: 'done', response: { stop_reason: 'cancelled' } });
  });
});

describe('strangers', () => {
  test("another's session, run and approval are not there", async () => {
    const session = await connect().createSession();
    const bob = connect('bob');
    const notFound = { kind: 'request_failed', error: { type: 'not_found_error' } };
    await expect(bob.session(session.id).events().next()).rejects.toMatchObject(notFound);
    await expect(bob.createRun({ session_id: session.id, input: 'x' })).rejects.toMatchObject(notFound);
    await expect(
      bob.invokeTool({ session_id: session.id, name: 'echo', arguments: { value: 'x' } }),
    ).rejects.toMatchObject(notFound);
    await expect(bob.steer('run_unknown', 'x')).rejects.toMatchObject(notFound);
    await expect(bob.submitToolResult({ tool_call_id: 'call_unknown', content: 'x' })).rejects.toMatchObject(
      notFound,
    );
    await expect(bob.decide('appr_unknown', { decision: 'approve' })).rejects.toMatchObject(notFound);
    expect(await bob.cancel({ session_id: session.id })).toEqual([]);
  });
});

describe('tickets', () => {
  test('the platform WebSocket comes in with one, and a ticket works once', async () => {
    const client = new GantryClient({ url, apiKey: keys.alice });
    clients.push(client);
    expect(await client.createSession()).toMatchObject({ object: 'session' });
    const issued = await fetch(`${url}/v1/ws/tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.alice}` },
    });
    const { ticket } = (await issued.json()) as { ticket: string };
    const protocols = ['gantry.v1', `gantry.ticket.${ticket}`];
    const first = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, protocols);
    await once(first, 'open');
    first.close();
    const second = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, protocols);
    second.on('error', () => undefined);
    const [, response] = (await once(second, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(401);
    second.terminate();
  });

  test('a wrong key is told as refused', async () => {
    const client = new GantryClient({ url, apiKey: 'wrong' });
    await expect(client.connect()).rejects.toMatchObject({ kind: 'refused', status: 401 });
  });
});
