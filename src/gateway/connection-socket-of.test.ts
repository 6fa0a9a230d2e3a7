import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { connectionSocketOf } from './connection-socket-of.js';
import type { MessagePart } from './message-parts.js';
import { OUTBOX_LIMITS, Outbox } from './outbox.js';
import { chunkEvent } from './scripted-gateway.js';

/** Counts how often what was gathered is let go. */
function counted(transport: Socket) {
  const counts = { uncorked: 0 };
  return {
    counts,
    cork: () => transport.cork(),
    uncork: () => {
      counts.uncorked += 1;
      transport.uncork();
    },
  };
}

/** A connection over the loopback, seen from both its ends. */
async function connected() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const connection = once(server, 'connection');
  const reader = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const opened = once(reader, 'open');
  const [client, request] = (await connection) as [WebSocket, IncomingMessage];
  await opened;
  return {
    client,
    request,
    reader,
    close: () => {
      reader.terminate();
      server.close();
    },
  };
}

describe('a large event', () => {
  const event = chunkEvent(1, 0, 'ä'.repeat(16 * 1024 * 1024));

  /** It is on its way to a reader that has stopped reading; `told` are its parts that the network took. */
  async function stuck() {
    const connection = await connected();
    const socket = connectionSocketOf(connection.client, connection.request.socket);
    const told = { parts: 0 };
    const counting = {
      ...socket,
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (part: MessagePart, sent: () => void) =>
        socket.send(part, () => {
          told.parts += 1;
          sent();
        }),
    };
    const outbox = new Outbox(counting, OUTBOX_LIMITS, () => undefined);
    connection.reader.pause();
    outbox.offer(event);
    await expect.poll(() => told.parts, { timeout: 5000 }).toBeGreaterThan(0);
    await expect.poll(() => socket.bufferedAmount, { timeout: 5000 }).toBeGreaterThan(0);
    return { ...connection, socket, outbox };
  }

  test('tells what the network took before all is taken, and pings go in between', async () => {
    const { reader, socket, close } = await stuck();
    const heard: unknown[] = [];
    reader.on('ping', () => heard.push('ping'));
    reader.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString())));
    try {
      socket.ping();
      reader.resume();
      await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(2);
      expect(heard[0]).toBe('ping');
      expect(heard[1]).toEqual(event);
    } finally {
      close();
    }
  });

  test('can be broken off by a close that is heard', async () => {
    const { reader, socket, outbox, close } = await stuck();
    try {
      const closed = once(reader, 'close');
      outbox.close();
      socket.close(4008, 'slow reader');
      reader.resume();
      expect((await closed)[0]).toBe(4008);
    } finally {
      close();
    }
  });
});

test('frames that are ready together leave together, in order; a later one leaves at once', async () => {
  const { client, request, reader, close } = await connected();
  const received: string[] = [];
  const arrived = (count: number) => expect.poll(() => received.length, { timeout: 5000 }).toBe(count);
  reader.on('message', (data: Buffer) => received.push(data.toString('utf8')));
  try {
    const transport = counted(request.socket);
    const socket = connectionSocketOf(client, transport);
    const frames = Array.from({ length: 100 }, (_, index) => `frame ${index}`);
    for (const frame of frames) {
      socket.send({ data: frame, isLast: true }, () => undefined);
      await Promise.resolve();
    }
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    await nextTurn();
    expect(transport.counts.uncorked).toBe(1);
    await arrived(frames.length);
    expect(received).toEqual(frames);
    socket.send({ data: 'later', isLast: true }, () => undefined);
    await arrived(frames.length + 1);
    expect(transport.counts.uncorked).toBe(2);
  } finally {
    close();
  }
});
