import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionScene, run, send, settle, subscribe } from '../../test/support/gateway-connection.js';
import { chunkEvent } from './scripted-gateway.js';

type Scene = ReturnType<typeof connectionScene>;
let socket: Scene['socket'];
let log: Scene['log'];
let reported: Scene['reported'];
let connect: Scene['connect'];

beforeEach(() => {
  vi.useFakeTimers();
  ({ socket, log, reported, connect } = connectionScene());
});
afterEach(() => {
  vi.useRealTimers();
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

  describe('a log whose beginning is gone', () => {
    const placed = () => socket.frames.map((frame) => [frame['type'], frame['seq']]).slice(1);

    test('sends a snapshot first', async () => {
      log.clear(7);
      log.append(chunkEvent(8, 0, 'a'));
      send(connect(), subscribe(3));
      await settle();
      expect(placed()).toEqual([
        ['snapshot', 8],
        ['live', 8],
      ]);
    });

    test('sends it also when nothing has come since, and goes on without a hole', async () => {
      log.clear(7);
      send(connect(), subscribe(3));
      await settle();
      log.append(chunkEvent(8, 0, 'a'));
      await settle();
      expect(placed()).toEqual([
        ['snapshot', 7],
        ['live', 7],
        ['chunk', 8],
      ]);
    });

    test('sends none to who has had all of it', async () => {
      log.clear(7);
      send(connect(), subscribe(7));
      await settle();
      expect(placed()).toEqual([['live', 7]]);
    });

    test('sends one to a reader whose next events went while it read', async () => {
      log.append(chunkEvent(1, 0, 'a'));
      send(connect(), subscribe());
      await settle();
      log.clear(5);
      log.append(chunkEvent(6, 0, 'b'));
      await settle();
      expect(placed()).toEqual([
        ['chunk', 1],
        ['live', 1],
        ['snapshot', 6],
      ]);
    });
  });
});
