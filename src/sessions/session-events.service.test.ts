import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataSource } from 'typeorm';
import { expect, test, vi } from 'vitest';
import { EventBus } from '../events/event-bus.js';
import { EventLog } from '../events/event-log.js';
import { SessionEventsService } from './session-events.service.js';
import type { SessionTransferService } from './session-transfer.service.js';
import type { SessionService } from './session.service.js';

const silent = { warn: () => undefined, info: () => undefined };

/** An answer whose client went away before anything was written. */
async function abandonedResponse(): Promise<ServerResponse> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = get({ port: (server.address() as AddressInfo).port }).on('error', () => undefined);
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  client.destroy();
  await once(response, 'close');
  server.close();
  return response;
}

test('a reader that goes while its session is looked up leaves no subscription and no heartbeat', async () => {
  const response = await abandonedResponse();
  const bus = new EventBus('', silent);
  const log = new EventLog({ query: () => Promise.resolve([]) } as unknown as DataSource, bus);
  const sessions = { requireOwned: () => Promise.resolve({ lastSeq: '0' }) } as unknown as SessionService;
  const service = new SessionEventsService(sessions, {} as SessionTransferService, log);
  const heartbeats = vi.spyOn(globalThis, 'setInterval');
  await service.stream('alice', 'sess_1', 0, response);
  expect(bus.watchers('sess_1')).toBe(0);
  expect(heartbeats).not.toHaveBeenCalled();
});
