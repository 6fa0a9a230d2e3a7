import 'reflect-metadata';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { GantryWsAdapter } from '../../src/gateway/gantry-ws.adapter.js';
import { GatewayServicesFactory } from '../../src/gateway/gateway-services.factory.js';
import { ScriptedLog, chunkEvent, scriptedServices } from '../../src/gateway/scripted-gateway.js';
import { SessionGateway } from '../../src/gateway/session.gateway.js';
import { UpgradeRequiredController } from '../../src/gateway/upgrade-required.controller.js';

/** Real sockets, the real Nest gateway and adapter; behind them a log in memory. */
let app: INestApplication;
let log: ScriptedLog;
let port: number;
const sockets: WebSocket[] = [];

const services = { bind: () => scriptedServices([log]) };

@Module({
  controllers: [UpgradeRequiredController],
  providers: [SessionGateway, { provide: GatewayServicesFactory, useValue: services }],
})
class TestModule {}

async function start(onPort = 0): Promise<void> {
  app = await NestFactory.create(TestModule, { logger: false });
  app.useWebSocketAdapter(
    new GantryWsAdapter(app, {
      source: { host: '127.0.0.1', allowedOrigins: [] },
      authenticate: async ({ authorization }) =>
        authorization === 'Bearer good' ? { name: 'owner', keyId: 'key_1' } : undefined,
    }),
  );
  await app.listen(onPort, '127.0.0.1');
  port = ((app.getHttpServer() as Server).address() as AddressInfo).port;
}

beforeEach(async () => {
  log = new ScriptedLog('sess_1');
  await start();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await app.close();
});

function open(
  options: { key?: string; protocols?: string[]; path?: string; origin?: string } = {},
): WebSocket {
  const { key = 'good', protocols = ['gantry.v1'], path = '/v1/ws', origin } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    headers: { authorization: `Bearer ${key}`, ...(origin && { origin }) },
  });
  sockets.push(socket);
  return socket;
}

async function opened(): Promise<WebSocket> {
  const socket = open();
  await once(socket, 'open');
  return socket;
}

async function nextFrame(socket: WebSocket): Promise<Record<string, unknown>> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString()) as Record<string, unknown>;
}

async function refused(socket: WebSocket) {
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number; headers: Record<string, string> },
  ];
  let body = '';
  for await (const part of response) body += part.toString();
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    error: (JSON.parse(body) as { error: { code: string } }).error,
  };
}

describe('handshake over a real socket', () => {
  test.each([
    [{ key: 'bad' }, 401, 'invalid_api_key'],
    [{ origin: 'https://evil.example' }, 403, 'origin_not_allowed'],
    [{ path: '/v1/elsewhere' }, 404, 'route_not_found'],
    [{ protocols: ['gantry.v9'] }, 400, 'subprotocol_required'],
  ])('%j is refused before the upgrade with %i', async (options, status, code) => {
    const socket = open(options);
    socket.on('error', () => undefined);
    expect(await refused(socket)).toMatchObject({
      status,
      type: 'application/json; charset=utf-8',
      error: { code },
    });
  });

  test('a plain request is told 426', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/ws`);
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
    expect(await response.json()).toMatchObject({ error: { code: 'upgrade_required' } });
  });

  test('the chosen subprotocol is ours, never the ticket', async () => {
    const socket = open({ protocols: ['gantry.ticket.x', 'gantry.v1'] });
    await once(socket, 'open');
    expect(socket.protocol).toBe('gantry.v1');
  });

  test('nonsense and resets during the handshake leave the server standing', async () => {
    const request =
      'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const tcp = connectTcp(port, '127.0.0.1');
      tcp.on('error', () => undefined);
      await once(tcp, 'connect');
      tcp.write(request);
      tcp.resetAndDestroy();
    }
    await opened();
  });
});

describe('frames over a real socket', () => {
  test('bad frames are answered and the connection goes on', async () => {
    const socket = await opened();
    socket.send('{');
    expect(await nextFrame(socket)).toMatchObject({ type: 'error', id: null, error: { code: 'not_json' } });
    socket.send(Buffer.from([1, 2, 3]));
    expect(await nextFrame(socket)).toMatchObject({ error: { code: 'binary_frame' } });
    socket.send(JSON.stringify({ event: 'message', data: {} }));
    expect(await nextFrame(socket)).toMatchObject({ error: { code: 'unknown_type' } });
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test.each([
    ['a little', 1024 * 1024 + 1, true],
    ['far', 8 * 1024 * 1024, false],
  ])(
    'a frame that is %s too large ends its connection with 1009 and no other',
    async (_, size, isAnswered) => {
      const [socket, other] = [await opened(), await opened()];
      const frames: string[] = [];
      socket.on('message', (data: Buffer) => frames.push(data.toString()));
      socket.on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.send('x'.repeat(size));
      const [code] = (await closed) as [number];
      // A peer that stops reading a far too large frame may reset before the close frame is seen.
      expect(isAnswered ? [1009] : [1009, 1006]).toContain(code);
      expect(frames.map((text) => (JSON.parse(text) as { error: { code: string } }).error.code)).toEqual(
        isAnswered ? ['frame_too_large'] : [],
      );
      other.send('{');
      expect(await nextFrame(other)).toMatchObject({ error: { code: 'not_json' } });
    },
  );

  test('a reader that stops is closed, the others are not slowed', async () => {
    const [slow, quick] = [await opened(), await opened()];
    const subscribe = JSON.stringify({ id: 's', type: 'session.subscribe', session_id: 'sess_1' });
    slow.send(subscribe);
    await nextFrame(slow);
    slow.pause();
    const closed = once(slow, 'close');
    quick.send(subscribe);
    let last = 0;
    quick.on('message', (data: Buffer) => {
      last = (JSON.parse(data.toString()) as { seq?: number }).seq ?? last;
    });
    const text = 'x'.repeat(60_000);
    for (let seq = 1; seq <= 400; seq += 1) log.append({ ...chunkEvent(seq, 0, text), run_id: `run_${seq}` });
    await expect.poll(() => last, { timeout: 5_000 }).toBe(400);
    await expect.poll(() => log.subscriberCount, { timeout: 15_000 }).toBe(1);
    slow.resume();
    const [code, reason] = (await closed) as [number, Buffer];
    expect(code).toBe(4008);
    expect(reason.toString()).toMatch(/^slow reader: sess_1 after \d+$/);
  }, 30_000);
});

describe('shutdown', () => {
  test('says 1001 after what was queued, and a client goes on after a restart', async () => {
    const socket = await opened();
    const closed = once(socket, 'close');
    const statuses: string[] = [];
    const client = new GantryClient({
      url: `http://127.0.0.1:${port}`,
      apiKey: 'good',
      openSocket: openNodeSocket,
      onStatus: ({ state }) => statuses.push(state),
    });
    const seqs: number[] = [];
    const reading = (async () => {
      for await (const item of client.session('sess_1').events()) {
        if (item.type === 'chunk') seqs.push(item.seq);
        if (item.type === 'chunk' && item.seq === 4) return;
      }
    })();
    log.append(chunkEvent(1, 0, 'a'), chunkEvent(2, 1, 'b'));
    await expect.poll(() => seqs).toEqual([1, 2]);
    const samePort = port;
    await app.close();
    expect((await closed)[0]).toBe(1001);
    log.append(chunkEvent(3, 2, 'c'));
    await start(samePort);
    log.append(chunkEvent(4, 3, 'd'));
    await reading;
    expect(seqs).toEqual([1, 2, 3, 4]);
    expect(statuses).toContain('reconnecting');
    client.close();
  });
});
