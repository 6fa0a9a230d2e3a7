import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { EgressEntry } from './egress.js';
import { GuardedNetwork } from './guarded-network.js';

const EVERYTHING = [{ host: '*', ports: [443] }];

/** A network whose every connection leads to the test. */
function networkTo(limits: { readonly maxBytes: number; readonly headTimeoutMs: number }) {
  const entries: EgressEntry[] = [];
  const servers: Duplex[] = [];
  const network = new GuardedNetwork({
    sessionId: 'sess_1',
    runId: 'run_1',
    allowed: EVERYTHING,
    ceiling: EVERYTHING,
    environment: {},
    dialling: {
      lookUp: async () => ['93.184.216.34'],
      connect: async () => {
        const [ours, theirs] = duplexPair({ allowHalfOpen: true });
        servers.push(theirs);
        return ours;
      },
      isAllowedAddress: () => true,
      timeoutMs: 10_000,
    },
    log: { entry: (entry) => void entries.push(entry), unlisted: () => undefined },
    ...limits,
  });
  return { network, entries, servers };
}

function enter(network: GuardedNetwork): { inside: Duplex; outside: Duplex } {
  const [inside, outside] = duplexPair({ allowHalfOpen: true });
  network.serve(outside);
  return { inside, outside };
}

const CONNECT = 'CONNECT host.example:443 HTTP/1.1\r\n\r\n';

test('a head that comes byte by byte must still be there in time', async () => {
  const { network } = networkTo({ maxBytes: 100, headTimeoutMs: 50 });
  const { inside, outside } = enter(network);
  inside.write('GET http://host.example/ HTTP/1.1\r\nX: ');
  const dribble = setInterval(() => inside.write('y'), 5);
  await once(outside, 'close');
  clearInterval(dribble);
  expect(inside.read()).toBeNull();
});

test('a connection that says nothing is ended, one that is used is not', async () => {
  const { network, servers } = networkTo({ maxBytes: 100, headTimeoutMs: 50 });
  const silent = enter(network);
  const used = enter(network);
  used.inside.write(CONNECT);
  await once(silent.outside, 'close');
  used.inside.end('bytes');
  const [server] = servers;
  if (server === undefined) throw new Error('nothing was dialled');
  server.end('answer');
  expect(await text(server)).toBe('bytes');
  expect(await text(used.inside)).toContain('answer');
});

test('bytes over the quota end their connection, and no other is opened after it', async () => {
  const { network, entries, servers } = networkTo({ maxBytes: 100, headTimeoutMs: 10_000 });
  const { inside, outside } = enter(network);
  inside.write(CONNECT);
  await once(inside, 'data');
  inside.write(Buffer.alloc(101));
  await once(outside, 'close');
  expect(servers).toHaveLength(1);
  expect(entries).toMatchObject([{ outcome: 'over_quota', sent: 101, host: 'host.example' }]);
  const late = enter(network);
  late.inside.write(CONNECT);
  const answer = await text(late.inside);
  expect(answer).toMatch(/^HTTP\/1\.1 429 /);
  expect(answer).toContain('100 bytes');
  expect(servers).toHaveLength(1);
});

test('a server that reads nothing makes nothing pile up', async () => {
  const { network, servers } = networkTo({ maxBytes: 2 ** 30, headTimeoutMs: 10_000 });
  const { inside, outside } = enter(network);
  inside.write(CONNECT);
  await once(inside, 'data');
  let written = 0;
  const piece = Buffer.alloc(16 * 1024);
  while (written < 64 * piece.length && inside.write(piece)) written += piece.length;
  expect(written).toBeLessThan(64 * piece.length);
  expect(outside.readableLength + (servers[0]?.readableLength ?? 0)).toBeLessThan(256 * 1024);
  outside.destroy();
});
