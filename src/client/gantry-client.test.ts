import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { DomainError } from '../errors.js';
import type { GantryEvent } from '../events/event.js';
import type { GatewayServices } from '../gateway/gateway-services.js';
import { ScriptedLog, chunkEvent, scriptedServices } from '../gateway/scripted-gateway.js';
import { runView } from '../../test/support/run-view.js';
import { GantryClient } from './gantry-client.js';
import { LoopbackServer } from './loopback-server.js';
import type { ConnectionStatus } from './reconnecting-socket.js';

const clients: GantryClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function connect(server: LoopbackServer, statuses: ConnectionStatus[] = []): GantryClient {
  const client = new GantryClient({
    url: 'http://gantry.test',
    apiKey: 'k',
    openSocket: server.openSocket,
    requestTimeoutMs: 5_000,
    random: () => 0,
    onStatus: (status) => statuses.push(status),
  });
  clients.push(client);
  return client;
}

function setUp(overrides: Partial<GatewayServices> = {}) {
  const log = new ScriptedLog('sess_1');
  const server = new LoopbackServer(scriptedServices([log], overrides));
  return { log, server, client: connect(server) };
}

function letter(seq: number): GantryEvent {
  return chunkEvent(seq, seq - 1, 'x');
}

function ended(seq: number, runId: string): GantryEvent {
  return { type: 'internal_error', message: 'm', seq, session_id: 'sess_1', run_id: runId, ts: 0 };
}

/** The seqs of the next events, up to `last`. */
async function readTo(client: GantryClient, last: number, afterSeq = 0): Promise<number[]> {
  const seqs: number[] = [];
  for await (const item of client.session('sess_1').events({ afterSeq })) {
    if (item.type === 'live' || item.type === 'snapshot') continue;
    for (let seq = item.first_seq ?? item.seq; seq <= item.seq; seq += 1) seqs.push(seq);
    if (item.seq >= last) break;
  }
  return seqs;
}

function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(condition()).toBe(true);
}

describe('reading a session', () => {
  test('wherever connections are cut, each seq comes once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
        fc.integer({ min: 0, max: 40 }),
        async (cuts, afterSeq) => {
          const { log, server, client } = setUp();
          log.append(...sequence(1, afterSeq).map(letter));
          await client.connect();
          const reading = readTo(client, 41, afterSeq);
          for (const seq of sequence(afterSeq + 1, 41)) {
            log.append(letter(seq));
            if (cuts.includes(seq)) server.cut();
            if (seq % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          expect(await reading).toEqual(sequence(afterSeq + 1, 41));
          client.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('several readers of one session, from different places', async () => {
    const { log, client } = setUp();
    log.append(...sequence(1, 20).map(letter));
    const first = readTo(client, 25, 18);
    await until(() => client !== undefined);
    const second = readTo(client, 25, 2);
    const third = readTo(client, 25, 10);
    log.append(...sequence(21, 25).map(letter));
    expect(await first).toEqual(sequence(19, 25));
    expect(await second).toEqual(sequence(3, 25));
    expect(await third).toEqual(sequence(11, 25));
  });

  test('leaves the session when the last reader goes', async () => {
    const { log, server, client } = setUp();
    log.append(letter(1));
    await readTo(client, 1);
    await until(() => server.received.at(-1)?.['type'] === 'session.unsubscribe');
  });

  test('goes on after a server restart and tells of it', async () => {
    const log = new ScriptedLog('sess_1');
    const server = new LoopbackServer(scriptedServices([log]));
    const statuses: ConnectionStatus[] = [];
    const client = connect(server, statuses);
    log.append(letter(1));
    const reading = readTo(client, 3);
    await until(() => server.received.length > 0);
    server.setAway(true);
    log.append(letter(2), letter(3));
    await until(() => statuses.filter(({ state }) => state === 'reconnecting').length >= 3);
    server.setAway(false);
    expect(await reading).toEqual([1, 2, 3]);
    expect(statuses[0]).toEqual({ state: 'connected' });
    expect(statuses.at(-1)).toEqual({ state: 'connected' });
  });

  test('of an unknown session throws what the server says', async () => {
    const { client } = setUp();
    const reading = client.session('sess_other').events().next();
    await expect(reading).rejects.toMatchObject({
      kind: 'request_failed',
      error: { code: 'session_not_found' },
    });
  });

  test('ends with its signal', async () => {
    const { client } = setUp();
    const controller = new AbortController();
    const reading = client.session('sess_1').events({ signal: controller.signal });
    expect((await reading.next()).value).toMatchObject({ type: 'live' });
    const next = reading.next();
    controller.abort();
    expect(await next).toMatchObject({ done: true });
  });
});

describe('requests over a broken connection', () => {
  test('a run is asked for again with the same key', async () => {
    const keys: (string | undefined)[] = [];
    const { server, client } = setUp({
      createRun: async (request) => {
        keys.push(request.idempotency_key);
        if (keys.length === 1) {
          server.cut();
          return new Promise(() => undefined);
        }
        return { run: runView('run_1'), created: false, afterSeq: 4 };
      },
    });
    const created = await client.createRun({ input: 'hello' });
    expect(created).toMatchObject({ session_id: 'sess_1', after_seq: 4, created: false });
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toEqual(expect.any(String));
  });

  test('a decision is asked for again with the same key; steering is not', async () => {
    const decisions: (string | undefined)[] = [];
    const { server, client } = setUp({
      decide: async (_, decision) => {
        decisions.push(decision.decision_key);
        if (decisions.length === 1) server.cut();
        throw new DomainError('conflict', 'Decided otherwise.', { reason: 'already_decided' });
      },
      steer: () => {
        server.cut();
        return new Promise(() => undefined);
      },
    });
    await expect(client.decide('appr_1', { decision: 'approve' })).rejects.toMatchObject({
      kind: 'request_failed',
      error: { code: 'already_decided', type: 'conflict_error' },
    });
    expect(new Set(decisions).size).toBe(1);
    expect(decisions).toHaveLength(2);
    await expect(client.steer('run_1', 'left')).rejects.toMatchObject({ kind: 'connection_lost' });
  });

  test('a request made while disconnected waits for the connection', async () => {
    const statuses: ConnectionStatus[] = [];
    const server = new LoopbackServer(scriptedServices([], { steer: () => Promise.resolve() }));
    const client = connect(server, statuses);
    await client.connect();
    server.setAway(true);
    await until(() => statuses.length > 1);
    setImmediate(() => server.setAway(false));
    await client.steer('run_1', 'left');
    expect(server.connectionCount).toBe(2);
  });

  test('no answer in time is a timeout', async () => {
    const log = new ScriptedLog('sess_1');
    const server = new LoopbackServer(
      scriptedServices([log], { cancel: () => new Promise(() => undefined) }),
    );
    const client = new GantryClient({
      url: 'http://gantry.test',
      apiKey: 'k',
      openSocket: server.openSocket,
      requestTimeoutMs: 20,
    });
    clients.push(client);
    await expect(client.cancel({ run_id: 'run_1' })).rejects.toMatchObject({ kind: 'timeout' });
  });
});

describe('connecting', () => {
  test('a refused key is told at once and not tried again', async () => {
    const { server, client } = setUp();
    server.refuseWith(401);
    await expect(client.connect()).rejects.toMatchObject({ kind: 'refused', status: 401 });
  });

  test('nobody there is told at once', async () => {
    const { server, client } = setUp();
    server.setAway(true);
    await expect(client.connect()).rejects.toMatchObject({ kind: 'unreachable' });
  });

  test('a key revoked later ends streams', async () => {
    const { server, client } = setUp();
    const reading = client.session('sess_1').events();
    await reading.next();
    server.refuseWith(401);
    server.cut();
    await expect(reading.next()).rejects.toMatchObject({ kind: 'refused' });
    await expect(client.cancel({})).rejects.toMatchObject({ kind: 'refused' });
  });

  test('close ends everything', async () => {
    const { client } = setUp();
    const reading = client.session('sess_1').events();
    await reading.next();
    const next = reading.next();
    client.close();
    await expect(next).rejects.toMatchObject({ kind: 'closed' });
  });
});

test('run() gives the events of its run and ends with it', async () => {
  const { log, client } = setUp({
    createRun: async () => {
      log.append(
        chunkEvent(1, 0, 'other'),
        { ...chunkEvent(2, 0, 'mine'), run_id: 'run_2' },
        ended(3, 'run_1'),
        ended(4, 'run_2'),
      );
      return { run: runView('run_2'), created: true, afterSeq: 1 };
    },
  });
  const seqs: number[] = [];
  for await (const event of client.run({ input: 'hello' })) seqs.push(event.seq);
  expect(seqs).toEqual([2, 4]);
});
