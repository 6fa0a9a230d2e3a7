import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { connectionSocketOf } from './connection-socket-of.js';

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

test('frames that are ready together leave together, in order; a later one leaves at once', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const reader = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const received: string[] = [];
  const arrived = (count: number) => expect.poll(() => received.length, { timeout: 5000 }).toBe(count);
  reader.on('message', (data: Buffer) => received.push(data.toString('utf8')));
  try {
    const [client, request] = (await connected) as [WebSocket, IncomingMessage];
    const transport = counted(request.socket);
    const socket = connectionSocketOf(client, transport);
    const frames = Array.from({ length: 100 }, (_, index) => `frame ${index}`);
    for (const frame of frames) {
      socket.send(frame, () => undefined);
      await Promise.resolve();
    }
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    await nextTurn();
    expect(transport.counts.uncorked).toBe(1);
    await arrived(frames.length);
    expect(received).toEqual(frames);
    socket.send('later', () => undefined);
    await arrived(frames.length + 1);
    expect(transport.counts.uncorked).toBe(2);
  } finally {
    reader.terminate();
    server.close();
  }
});
