import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionScene, send, settle, subscribe } from '../../test/support/gateway-connection.js';
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

  describe('within a large event', () => {
    const text = 'ä'.repeat(600_000);

    async function reading() {
      const connection = connect();
      send(connection, subscribe());
      await settle();
      socket.stalled = true;
      log.append(chunkEvent(1, 0, text), { ...chunkEvent(2, 0, 'y'.repeat(5000)), run_id: 'run_2' });
      await settle();
      const read = async (seconds: number, bytesPerSecond: number) => {
        for (let second = 0; second < seconds; second += 1) {
          await vi.advanceTimersByTimeAsync(1_000);
          socket.take(bytesPerSecond);
          connection.alive();
        }
      };
      return { connection, read };
    }

    test('is kept while it takes something, and gets all of it', async () => {
      const { read } = await reading();
      await read(80, 20_000);
      expect(socket.closedWith).toBeUndefined();
      const chunks = socket.frames.filter((frame) => frame['type'] === 'chunk');
      expect(chunks).toMatchObject([{ seq: 1, choices: [{ delta: { content: text } }] }, { seq: 2 }]);
    });

    test('is closed once it takes nothing, with the last seq that it has whole', async () => {
      const { read } = await reading();
      await read(30, 20_000);
      await read(9, 0);
      expect(socket.closedWith).toBeUndefined();
      await read(4, 0);
      expect(socket.closedWith).toEqual({ code: 4008, reason: 'slow reader: sess_1 after 0' });
    });

    test('has its answers after it, never in the middle', async () => {
      const { connection, read } = await reading();
      send(connection, { id: 'late', type: 'run.cancel' });
      await read(80, 20_000);
      const ids = socket.frames.map((frame) => frame['id'] ?? frame['seq']);
      expect(ids).toEqual(['s', 0, 1, 'late', 2]);
    });
  });

  test('that floods and never reads its answers is closed', () => {
    const connection = connect();
    socket.stalled = true;
    for (let index = 0; index < 1000; index += 1) connection.receive('not json');
    expect(socket.closedWith).toMatchObject({ code: 4008 });
    expect(socket.bufferedAmount).toBeLessThan(52_000);
  });
});
