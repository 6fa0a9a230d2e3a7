import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionScene, run, send, settle, subscribe } from '../../test/support/gateway-connection.js';
import { chunkEvent } from './scripted-gateway.js';

type Scene = ReturnType<typeof connectionScene>;
let socket: Scene['socket'];
let log: Scene['log'];
let connect: Scene['connect'];

beforeEach(() => {
  vi.useFakeTimers();
  ({ socket, log, connect } = connectionScene());
});
afterEach(() => {
  vi.useRealTimers();
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
