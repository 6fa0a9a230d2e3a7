import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunView } from '../runs/run-view.js';
import { Connection } from './connection.js';
import type { GatewayServices } from './gateway-services.js';
import { ScriptedLog, ScriptedSocket, chunkEvent, scriptedServices } from './scripted-gateway.js';

const LIMITS = { socketBytes: 1000, queueBytes: 4000, answerBytes: 50_000, stallMs: 10_000 };

let socket: ScriptedSocket;
let log: ScriptedLog;
let reported: unknown[];

beforeEach(() => {
  vi.useFakeTimers();
  socket = new ScriptedSocket();
  log = new ScriptedLog('sess_1');
  reported = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function connect(overrides: Partial<GatewayServices> = {}): Connection {
  return new Connection(socket, scriptedServices([log], overrides), {
    limits: LIMITS,
    report: (error) => reported.push(error),
  });
}

/** Lets everything that waits for no timer happen. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function send(connection: Connection, frame: Record<string, unknown>): void {
  connection.receive(JSON.stringify(frame));
}

function run(id: string): RunView {
  return { id, object: 'run', session_id: 'sess_1' } as RunView;
}

const subscribe = (afterSeq = 0) => ({
  id: 's',
  type: 'session.subscribe',
  session_id: 'sess_1',
  after_seq: afterSeq,
});

describe('answers', () => {
  test('every bad frame is answered and the connection goes on', async () => {
    const connection = connect();
    connection.receive('{');
    connection.receive(undefined);
    send(connection, { id: 'x', type: 'nonsense' });
    send(connection, { id: 'y', type: 'session.subscribe', session_id: 'sess_unknown' });
    await settle();
    expect(
      socket.frames.map((frame) => [frame['type'], frame['id'], (frame['error'] as { code: string }).code]),
    ).toEqual([
      ['error', null, 'not_json'],
      ['error', null, 'binary_frame'],
      ['error', 'x', 'unknown_type'],
      ['error', 'y', 'session_not_found'],
    ]);
    expect(socket.closedWith).toBeUndefined();
  });

  test('a frame over 1 MiB is answered, then 1009', () => {
    const connection = connect();
    connection.receive(' '.repeat(1024 * 1024 + 1));
    expect(socket.frames).toMatchObject([{ type: 'error', id: null, error: { code: 'frame_too_large' } }]);
    expect(socket.closedWith).toMatchObject({ code: 1009 });
  });

  test('an unexpected failure says nothing of the inside and is reported', async () => {
    const connection = connect({ steer: () => Promise.reject(new Error('secret table name')) });
    send(connection, { id: 'a', type: 'run.steer', run_id: 'run_1', text: 'left' });
    await settle();
    expect(JSON.stringify(socket.frames)).not.toContain('secret');
    expect(socket.frames).toMatchObject([
      { type: 'error', id: 'a', error: { code: 'internal', type: 'api_error' } },
    ]);
    expect(reported).toHaveLength(1);
  });

  test('the 65th unanswered frame is refused, and answers make room', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const connection = connect({ steer: () => held });
    for (let index = 0; index < 65; index += 1)
      send(connection, { id: `f${index}`, type: 'run.steer', run_id: `run_${index}`, text: 'x' });
    await settle();
    expect(socket.frames).toMatchObject([{ type: 'error', id: 'f64', error: { code: 'rate_limited' } }]);
    release?.();
    await settle();
    expect(socket.frames.filter((frame) => frame['type'] === 'ack')).toHaveLength(64);
  });
});

describe('order', () => {
  test('frames of one session wait for each other; cancel and other sessions do not', async () => {
    const started: string[] = [];
    let release: (() => void) | undefined;
    const connection = connect({
      createRun: async (request) => {
        started.push(request.input);
        if (request.input === 'slow')
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        return { run: run(`run_${request.input}`), created: true, afterSeq: 0 };
      },
      cancel: async () => {
        started.push('cancel');
        return { cancelled: [] };
      },
    });
    send(connection, { id: '1', type: 'run.create', session_id: 'sess_1', input: 'slow' });
    send(connection, { id: '2', type: 'run.create', session_id: 'sess_1', input: 'next' });
    send(connection, { id: '3', type: 'run.create', session_id: 'sess_2', input: 'elsewhere' });
    send(connection, { id: '4', type: 'run.cancel', run_id: 'run_9' });
    await settle();
    expect(started).toEqual(expect.arrayContaining(['slow', 'elsewhere', 'cancel']));
    expect(started).not.toContain('next');
    release?.();
    await settle();
    expect(started.at(-1)).toBe('next');
  });
});

describe('subscriptions', () => {
  test('acks, replays, says live, follows; unsubscribe ends it', async () => {
    log.append(chunkEvent(1, 0, 'a'), chunkEvent(2, 1, 'b'));
    const connection = connect();
    send(connection, subscribe(1));
    await settle();
    log.append(chunkEvent(3, 2, 'c'));
    await settle();
    send(connection, { id: 'u', type: 'session.unsubscribe', session_id: 'sess_1' });
    await settle();
    log.append(chunkEvent(4, 3, 'd'));
    await settle();
    expect(socket.frames.map((frame) => [frame['type'], frame['seq'] ?? frame['id']])).toEqual([
      ['ack', 's'],
      ['chunk', 2],
      ['live', 2],
      ['chunk', 3],
      ['ack', 'u'],
    ]);
  });

  test('twice is a conflict, ahead of the log is refused', async () => {
    const connection = connect();
    send(connection, subscribe(5));
    await settle();
    send(connection, subscribe());
    send(connection, subscribe());
    await settle();
    const errors = socket.frames.filter((frame) => frame['type'] === 'error');
    expect(errors).toMatchObject([
      { error: { code: 'after_seq_ahead', param: 'after_seq' } },
      { error: { code: 'already_subscribed', type: 'conflict_error' } },
    ]);
  });

  test('a log whose beginning is gone sends a snapshot first', async () => {
    log.trimmedTo = 7;
    log.append(chunkEvent(8, 0, 'a'));
    const connection = connect();
    send(connection, subscribe(3));
    await settle();
    expect(socket.frames.map((frame) => [frame['type'], frame['seq']])).toEqual([
      ['ack', undefined],
      ['snapshot', 8],
      ['live', 8],
    ]);
  });
});

describe('a slow reader', () => {
  test('has its chunks merged, nothing lost', async () => {
    const connection = connect();
    send(connection, subscribe());
    await settle();
    socket.stalled = true;
    for (let seq = 1; seq <= 60; seq += 1) log.append(chunkEvent(seq, seq - 1, 'x'));
    await settle();
    for (let step = 0; step < 100; step += 1) {
      socket.drain(1);
      await settle();
    }
    const chunks = socket.frames.filter((frame) => frame['type'] === 'chunk');
    expect(chunks.length).toBeLessThan(30);
    let next = 1;
    for (const chunk of chunks) {
      expect(chunk['first_seq'] ?? chunk['seq']).toBe(next);
      next = Number(chunk['seq']) + 1;
    }
    expect(next).toBe(61);
    expect(socket.closedWith).toBeUndefined();
    connection.closed();
  });

  test('that takes nothing is closed with 4008 and the last seq; memory stays bounded', async () => {
    const connection = connect();
    send(connection, subscribe());
    await settle();
    socket.stalled = true;
    for (let seq = 1; seq <= 500; seq += 1)
      log.append({ ...chunkEvent(seq, 0, 'x'.repeat(100)), run_id: `run_${seq}` });
    await vi.advanceTimersByTimeAsync(9_000);
    expect(socket.closedWith).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_500);
    const sent = socket.frames.filter((frame) => frame['type'] === 'chunk');
    expect(socket.closedWith).toEqual({
      code: 4008,
      reason: `slow reader: sess_1 after ${String(sent.at(-1)?.['seq'])}`,
    });
    expect(socket.bufferedAmount).toBeLessThan(2000);
    connection.closed();
  });

  test('that takes a little now and then is kept', async () => {
    const connection = connect();
    send(connection, subscribe());
    await settle();
    socket.stalled = true;
    for (let seq = 1; seq <= 60; seq += 1)
      log.append({ ...chunkEvent(seq, 0, 'x'.repeat(100)), run_id: `run_${seq}` });
    for (let second = 0; second < 30; second += 1) {
      socket.drain(1);
      await vi.advanceTimersByTimeAsync(1_000);
      connection.alive();
    }
    expect(socket.closedWith).toBeUndefined();
    connection.closed();
  });

  test('that floods and never reads its answers is closed', () => {
    const connection = connect();
    socket.stalled = true;
    for (let index = 0; index < 1000; index += 1) connection.receive('not json');
    expect(socket.closedWith).toMatchObject({ code: 4008 });
    expect(socket.bufferedAmount).toBeLessThan(52_000);
  });
});

describe('the end', () => {
  test('two missed pings: 4408', async () => {
    const connection = connect();
    await vi.advanceTimersByTimeAsync(20_000);
    connection.alive();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(socket.closedWith).toBeUndefined();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(socket.pings).toBe(3);
    expect(socket.closedWith).toMatchObject({ code: 4408 });
    expect(socket.terminated).toBe(true);
  });

  test('shutdown sends what waits, then 1001', async () => {
    const connection = connect();
    send(connection, subscribe());
    await settle();
    socket.stalled = true;
    for (let seq = 1; seq <= 20; seq += 1)
      log.append({ ...chunkEvent(seq, 0, 'x'.repeat(50)), run_id: `run_${seq}` });
    await settle();
    const done = connection.shutdown();
    expect(socket.closedWith).toBeUndefined();
    socket.stalled = false;
    socket.drain();
    await settle();
    await done;
    expect(socket.frames.at(-1)).toMatchObject({ seq: 20 });
    expect(socket.closedWith).toMatchObject({ code: 1001 });
  });

  test('shutdown does not wait for a client that does not read', async () => {
    const connection = connect();
    send(connection, subscribe());
    await settle();
    socket.stalled = true;
    for (let seq = 1; seq <= 20; seq += 1)
      log.append({ ...chunkEvent(seq, 0, 'x'.repeat(100)), run_id: `run_${seq}` });
    await settle();
    const done = connection.shutdown();
    await vi.advanceTimersByTimeAsync(2_000);
    await done;
    expect(socket.closedWith).toMatchObject({ code: 1001 });
  });

  test.each([
    ['cancelled when the client goes', false, ['run_tied']],
    ['kept when the server goes', true, []],
  ])('a run tied to the connection is %s; others run on', async (_, serverGoes, expected) => {
    const cancelled: (string | undefined)[] = [];
    const connection = connect({
      createRun: async (request) => ({ run: run(`run_${request.input}`), created: true, afterSeq: 0 }),
      cancel: async (keys) => {
        cancelled.push(keys.run_id);
        return { cancelled: [] };
      },
    });
    send(connection, { id: '1', type: 'run.create', input: 'tied', cancel_on_disconnect: true });
    send(connection, { id: '2', type: 'run.create', input: 'free' });
    await settle();
    if (serverGoes) await connection.shutdown();
    connection.closed();
    await settle();
    expect(cancelled).toEqual(expected);
  });

  test('a tied run that is made while the client goes is cancelled too', async () => {
    const cancelled: (string | undefined)[] = [];
    let release: (() => void) | undefined;
    const connection = connect({
      createRun: async () => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { run: run('run_late'), created: true, afterSeq: 0 };
      },
      cancel: async (keys) => {
        cancelled.push(keys.run_id);
        return { cancelled: [] };
      },
    });
    send(connection, { id: '1', type: 'run.create', input: 'tied', cancel_on_disconnect: true });
    await settle();
    connection.closed();
    release?.();
    await settle();
    expect(cancelled).toEqual(['run_late']);
  });
});
