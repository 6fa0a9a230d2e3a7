import { once } from 'node:events';
import { createServer } from 'node:net';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { startLeakCheck } from '../../../test/support/leak-check.js';
import {
  closeAll,
  echoServer,
  enter,
  httpServer,
  listen,
  PUBLIC_ADDRESS,
  say,
  worldOf,
} from '../../../test/support/scripted-internet.js';
import { GuardedEgress } from './guarded-egress.js';

const leaks = startLeakCheck();

afterEach(async () => {
  closeAll();
  await leaks.verify();
});

test('without hosts, or on a server that allows none, there is no network', () => {
  const log = { entry: () => undefined, unlisted: () => undefined };
  const spec = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };
  const settings = { privateNetworks: [], packageIndex: undefined };
  const open = new GuardedEgress({ ...settings, hosts: ['*'] }, log);
  expect(open.networkFor(spec)).toBeUndefined();
  expect(open.networkFor({ ...spec, egress: [] })).toBeUndefined();
  const closed = new GuardedEgress({ ...settings, hosts: [] }, log);
  expect(closed.networkFor({ ...spec, egress: ['pypi.org'] })).toBeUndefined();
});

test('CONNECT carries bytes both ways, each ending by itself, and is logged', async () => {
  const world = worldOf({ port: await echoServer() });
  const inside = enter(world.network);
  inside.write('CONNECT allowed.example:443 HTTP/1.1\r\nHost: x\r\n\r\nearly ');
  inside.end('late');
  expect(await text(inside)).toBe('HTTP/1.1 200 Connection established\r\n\r\nheard early late');
  expect(world.dialled).toEqual([PUBLIC_ADDRESS]);
  await expect
    .poll(() => world.entries)
    .toEqual([
      {
        session: 'sess_1',
        run: 'run_1',
        host: 'allowed.example',
        port: 443,
        address: PUBLIC_ADDRESS,
        sent: 10,
        received: 16,
        outcome: 'carried',
      },
    ]);
  expect(world.network.takeRefused()).toEqual([]);
});

test('a request for an absolute URL is sent on, and its answer back', async () => {
  const server = await httpServer();
  const world = worldOf({ port: server.port });
  const answer = await say(
    world.network,
    'GET http://allowed.example/a/../b?q=1 HTTP/1.1',
    'Host: allowed.example',
    'Accept: text/plain',
    'X-Own: 1',
    'Connection: keep-alive, X-Own',
    'Proxy-Authorization: Basic c2VjcmV0',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('X-Kept: yes');
  expect(answer).not.toContain('Proxy-Authenticate');
  expect(answer.endsWith('\r\n\r\nhello')).toBe(true);
  const [{ message } = { message: undefined }] = server.requests;
  expect(message?.url).toBe('/a/../b?q=1');
  expect(message?.headers).toEqual({ host: 'allowed.example', accept: 'text/plain', connection: 'close' });
  await expect
    .poll(() => world.entries.map((entry) => [entry.outcome, entry.received]))
    .toEqual([['carried', 5]]);
});

test.each([
  ['with its length', ['Content-Length: 4'], 'body'],
  ['in chunks', ['Transfer-Encoding: chunked'], '4\r\nbody\r\n0\r\n\r\n'],
])('a body %s is sent on', async (_title, headers, body) => {
  const server = await httpServer();
  const world = worldOf({ port: server.port });
  const inside = enter(world.network);
  inside.write(['POST http://allowed.example/ HTTP/1.1', ...headers, '', body].join('\r\n'));
  expect(await text(inside)).toContain('200 OK');
  expect(server.requests.map((request) => request.body)).toEqual(['body']);
});

test.each([
  ['a name that is not found', { lookUp: () => Promise.reject(new Error('ENOTFOUND')) }, 'was not found'],
  ['a name without an address', { lookUp: async () => [] }, 'was not found'],
  [
    'a server that does not answer',
    { connect: () => Promise.reject(new Error('ECONNREFUSED')) },
    'could not be connected to',
  ],
])('%s is a 502', async (_title, reach, words) => {
  const world = worldOf({ reach });
  const answer = await say(world.network, 'CONNECT allowed.example:443 HTTP/1.1');
  expect(answer).toMatch(/^HTTP\/1\.1 502 /);
  expect(answer).toContain(words);
  expect(world.network.takeRefused()).toEqual([]);
});

test('code that goes away while it is being connected leaves nothing behind', async () => {
  const looking = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const world = worldOf({
    reach: {
      lookUp: (_host, signal) => {
        signal.addEventListener('abort', () => aborted.resolve());
        looking.resolve();
        return new Promise(() => undefined);
      },
    },
  });
  const inside = enter(world.network);
  inside.write('CONNECT allowed.example:443 HTTP/1.1\r\n\r\n');
  await looking.promise;
  closeAll();
  await aborted.promise;
});

test('an answer that breaks off is no whole one', async () => {
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy());
      });
    }),
  );
  const world = worldOf({ port });
  const [inside, outside] = duplexPair({ allowHalfOpen: true });
  world.network.serve(outside);
  inside.resume().write('GET http://allowed.example/ HTTP/1.1\r\n\r\n');
  await once(outside, 'close');
  expect(outside.writableFinished).toBe(false);
  inside.destroy();
});

test('what is logged one by one has a limit, and the rest is counted', async () => {
  const world = worldOf({});
  for (let index = 0; index < 300; index += 1) {
    await say(world.network, `CONNECT h${index}.example:443 HTTP/1.1`);
  }
  expect(world.entries).toHaveLength(256);
  expect(world.network.takeRefused()).toHaveLength(64);
  expect(world.unlisted).toEqual([44]);
  world.network.attributeTo('run_2');
  await say(world.network, 'CONNECT other.example:443 HTTP/1.1');
  expect(world.entries.at(-1)).toMatchObject({ run: 'run_2', host: 'other.example' });
});

test('programs inside are told of the proxy and of the package index', () => {
  const plain = worldOf({}).network.environment;
  expect(plain).toMatchObject({ HTTPS_PROXY: 'http://127.0.0.1:3128', https_proxy: 'http://127.0.0.1:3128' });
  expect(plain).not.toHaveProperty('PIP_INDEX_URL');
  const told = (packageIndex: string) => worldOf({ settings: { packageIndex } }).network.environment;
  expect(told('https://index.example/simple/')).toMatchObject({
    PIP_INDEX_URL: 'https://index.example/simple/',
  });
  expect(told('https://index.example/simple/')).not.toHaveProperty('PIP_TRUSTED_HOST');
  expect(told('http://index.example:8080/simple/')).toMatchObject({ PIP_TRUSTED_HOST: 'index.example:8080' });
});
