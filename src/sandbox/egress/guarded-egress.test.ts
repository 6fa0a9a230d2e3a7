import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type Server, connect as connectSocket, createServer } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { startLeakCheck } from '../../../test/support/leak-check.js';
import type { EgressEntry, SandboxNetwork } from './egress.js';
import { GuardedEgress, type EgressReach, type EgressSettings } from './guarded-egress.js';

const PUBLIC_ADDRESS = '93.184.216.34';
const opened: { close(): void }[] = [];
const leaks = startLeakCheck();

afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await leaks.verify();
});

interface World {
  readonly network: SandboxNetwork;
  readonly entries: EgressEntry[];
  readonly unlisted: number[];
  /** Addresses that were connected to, in order. */
  readonly dialled: string[];
  readonly lookedUp: string[];
}

interface Scene {
  readonly egress?: readonly string[];
  readonly settings?: Partial<EgressSettings>;
  /** Where connections to public addresses really go. */
  readonly port?: number;
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  readonly reach?: Partial<EgressReach>;
}

/** A sandbox's network on a scripted internet: every listed name is at a public address. */
function worldOf({ egress = ['allowed.example'], settings, port = 1, answers = {}, reach }: Scene): World {
  const entries: EgressEntry[] = [];
  const unlisted: number[] = [];
  const dialled: string[] = [];
  const lookedUp: string[] = [];
  const log = {
    entry: (entry: EgressEntry) => void entries.push(entry),
    unlisted: (_session: string, _run: string, count: number) => void unlisted.push(count),
  };
  const guarded = new GuardedEgress(
    { hosts: ['*', '*:8443'], privateNetworks: [], packageIndex: undefined, ...settings },
    log,
    {
      lookUp: async (host) => {
        lookedUp.push(host);
        return answers[host] ?? [PUBLIC_ADDRESS];
      },
      connect: async (address) => {
        dialled.push(address);
        const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true });
        await once(socket, 'connect');
        return socket;
      },
      ...reach,
    },
  );
  const network = guarded.networkFor({ sessionId: 'sess_1', runId: 'run_1', generation: 1, egress });
  if (network === undefined) throw new Error('the session has no network');
  return { network, entries, unlisted, dialled, lookedUp };
}

/** A connection that code inside opened: what it writes is served. */
function enter(network: SandboxNetwork): Duplex {
  const [inside, outside] = duplexPair({ allowHalfOpen: true });
  outside.on('error', () => undefined);
  inside.on('error', () => undefined);
  network.serve(outside);
  opened.push({ close: () => [inside, outside].forEach((end) => end.destroy()) });
  return inside;
}

async function say(network: SandboxNetwork, ...lines: string[]): Promise<string> {
  const inside = enter(network);
  inside.write(`${lines.join('\r\n')}\r\n\r\n`);
  return text(inside);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  opened.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}

/** Says back what it heard, when it has heard all. */
function echoServer(): Promise<number> {
  return listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      void text(socket).then(
        (heard) => socket.end(`heard ${heard}`),
        () => undefined,
      );
    }),
  );
}

interface HttpScene {
  readonly port: number;
  readonly requests: { readonly message: IncomingMessage; readonly body: string }[];
}

async function httpServer(answer = 'hello'): Promise<HttpScene> {
  const requests: HttpScene['requests'] = [];
  const server = createHttpServer((message, response) => {
    const reply = async (): Promise<void> => {
      requests.push({ message, body: await text(message) });
      response.setHeader('X-Kept', 'yes').setHeader('Proxy-Authenticate', 'no').end(answer);
    };
    void reply();
  });
  return { port: await listen(server), requests };
}

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

test('a host that is not on the list is refused in words, looked up by nobody, and told', async () => {
  const world = worldOf({ egress: ['allowed.example', '*.wild.example'] });
  for (const request of [
    'CONNECT other.example:443 HTTP/1.1',
    'GET http://other.example/ HTTP/1.1',
    'CONNECT allowed.example:8443 HTTP/1.1',
    'CONNECT wild.example:443 HTTP/1.1',
  ]) {
    const answer = await say(world.network, request);
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    expect(answer).toMatch(/is not among the hosts that this session may reach\. A person can name it/);
  }
  expect(world.lookedUp).toEqual([]);
  expect(world.entries.map(({ outcome }) => outcome)).toEqual(Array(4).fill('not_allowed'));
  expect(world.network.takeRefused()).toEqual([
    'other.example:443',
    'other.example:80',
    'allowed.example:8443',
    'wild.example:443',
  ]);
  expect(world.network.takeRefused()).toEqual([]);
});

test("the server's own list holds whatever the session was given", async () => {
  const world = worldOf({ egress: ['*'], settings: { hosts: ['pypi.org'] } });
  const answer = await say(world.network, 'CONNECT other.example:443 HTTP/1.1');
  expect(answer).toContain("This server's GANTRY_SANDBOX_EGRESS would have to allow it first.");
});

test.each([
  ['cloud metadata', '169.254.169.254'],
  ['loopback', '127.0.0.1'],
  ['loopback in hexadecimal', '0x7f.1'],
  ['loopback in decimal', '2130706433'],
  ['loopback in octal', '0177.0.0.01'],
  ['loopback with a dot', '127.0.0.1.'],
  ['loopback in IPv6', '[::1]'],
  ['loopback mapped', '[::ffff:127.0.0.1]'],
  ['metadata by NAT64', '[64:ff9b::169.254.169.254]'],
  ['metadata by 6to4', '[2002:a9fe:a9fe::]'],
  ['a private network', '10.1.2.3'],
  ['carrier NAT', '100.64.0.1'],
  ['multicast', '224.0.0.1'],
  ['everything', '0.0.0.0'],
])('%s is refused although all hosts are allowed', async (_title, host) => {
  const world = worldOf({
    egress: ['*', '*:5432'],
    settings: { hosts: ['*', '*:5432'] },
    reach: { lookUp: async (name) => [name] },
  });
  for (const port of [80, 443, 5432]) {
    const answer = await say(world.network, `CONNECT ${host}:${port} HTTP/1.1`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('GANTRY_SANDBOX_PRIVATE_NETWORKS');
  }
  expect(world.dialled).toEqual([]);
  expect(world.network.takeRefused()).toHaveLength(3);
});

test('a name that leads to private addresses is refused, and its addresses are not told', async () => {
  const world = worldOf({ answers: { 'allowed.example': ['10.9.8.7', '::1'] } });
  const answer = await say(world.network, 'CONNECT allowed.example:443 HTTP/1.1');
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).not.toContain('10.9.8.7');
  expect(world.dialled).toEqual([]);
  expect(world.entries).toMatchObject([{ outcome: 'private_address', address: '10.9.8.7' }]);
});

test('rebinding: a name is looked up once, and what was checked is what is dialled', async () => {
  let times = 0;
  const world = worldOf({
    port: await echoServer(),
    reach: { lookUp: async () => (times++ === 0 ? [PUBLIC_ADDRESS] : ['127.0.0.1']) },
  });
  const inside = enter(world.network);
  inside.end('CONNECT allowed.example:443 HTTP/1.1\r\n\r\n');
  expect(await text(inside)).toContain('200 Connection established');
  expect([times, world.dialled]).toEqual([1, [PUBLIC_ADDRESS]]);
  expect(await say(world.network, 'CONNECT allowed.example:443 HTTP/1.1')).toMatch(/^HTTP\/1\.1 403 /);
  expect(world.dialled).toEqual([PUBLIC_ADDRESS]);
});

test('of mixed answers only public addresses are dialled', async () => {
  const world = worldOf({
    port: await echoServer(),
    answers: { 'allowed.example': ['127.0.0.1', '10.0.0.1', PUBLIC_ADDRESS] },
  });
  const inside = enter(world.network);
  inside.end('CONNECT allowed.example:443 HTTP/1.1\r\n\r\n');
  expect(await text(inside)).toContain('200 Connection established');
  expect(world.dialled).toEqual([PUBLIC_ADDRESS]);
});

test('a named private network may be reached', async () => {
  const world = worldOf({
    port: await echoServer(),
    egress: ['index.internal:8080'],
    settings: { hosts: ['index.internal:8080'], privateNetworks: ['10.1.0.0/16'] },
    answers: { 'index.internal': ['10.2.0.1', '10.1.0.1'] },
  });
  const inside = enter(world.network);
  inside.end('CONNECT index.internal:8080 HTTP/1.1\r\n\r\n');
  expect(await text(inside)).toContain('200 Connection established');
  expect(world.dialled).toEqual(['10.1.0.1']);
});

test('the Host header says nothing: the URL decides, and the server is told that', async () => {
  const server = await httpServer();
  const world = worldOf({ port: server.port });
  const answer = await say(world.network, 'GET http://allowed.example/ HTTP/1.1', 'Host: internal.example');
  expect(answer).toContain('200 OK');
  const hosts = server.requests.flatMap(({ message }) => message.headersDistinct['host']);
  expect(hosts).toEqual(['allowed.example']);
  const refused = await say(world.network, 'GET http://other.example/ HTTP/1.1', 'Host: allowed.example');
  expect(refused).toMatch(/^HTTP\/1\.1 403 /);
});

test.each([
  ['no absolute URL', 'GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n'],
  ['https without a tunnel', 'GET https://allowed.example/ HTTP/1.1\r\n\r\n'],
  ['another scheme', 'GET ftp://allowed.example/ HTTP/1.1\r\n\r\n'],
  ['credentials in the URL', 'GET http://allowed.example@other.example/ HTTP/1.1\r\n\r\n'],
  ['CONNECT without a port', 'CONNECT allowed.example HTTP/1.1\r\n\r\n'],
  ['CONNECT with credentials', 'CONNECT user@allowed.example:443 HTTP/1.1\r\n\r\n'],
  ['CONNECT to a URL', 'CONNECT http://allowed.example:443/ HTTP/1.1\r\n\r\n'],
  ['CONNECT to port 0', 'CONNECT allowed.example:0 HTTP/1.1\r\n\r\n'],
  ['a percent in the host', 'CONNECT allowed.example%00.other:443 HTTP/1.1\r\n\r\n'],
  ['a backslash in the host', 'GET http://allowed.example\\@other.example/ HTTP/1.1\r\n\r\n'],
  ['a line break in the host', 'CONNECT allowed.example\r\nX: y:443 HTTP/1.1\r\n\r\n'],
  ['a lone line feed in the head', 'CONNECT allowed.example:443 HTTP/1.1\nX: y\r\rZ: 1\r\n\r\n'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['a TLS hello', '\u0016\u0003\u0001\u0002\u0000'],
  [
    'two lengths',
    'POST http://allowed.example/ HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody',
  ],
  [
    'length and chunks',
    'POST http://allowed.example/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'a coding that is not chunks',
    'POST http://allowed.example/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'chunks in disguise',
    'POST http://allowed.example/ HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  ],
  ['a folded header', 'GET http://allowed.example/ HTTP/1.1\r\nX: 1\r\n Transfer-Encoding: chunked\r\n\r\n'],
  ['a space before the colon', 'GET http://allowed.example/ HTTP/1.1\r\nContent-Length : 4\r\n\r\nbody'],
])('%s is answered 400 and reaches nobody', async (_title, request) => {
  const server = await httpServer();
  const world = worldOf({ port: server.port, egress: ['*'] });
  const inside = enter(world.network);
  inside.write(request);
  expect(await text(inside)).toMatch(/^HTTP\/1\.1 400 /);
  expect([world.dialled, server.requests]).toEqual([[], []]);
  expect(world.entries.map(({ outcome }) => outcome)).toEqual(['malformed']);
});

test('a head that never ends is refused at its cap', async () => {
  const world = worldOf({});
  const huge = enter(world.network);
  huge.write(`GET http://allowed.example/ HTTP/1.1\r\nX: ${'x'.repeat(64 * 1024)}`);
  expect(await text(huge)).toMatch(/^HTTP\/1\.1 431 /);
  const many = enter(world.network);
  many.write(`GET http://allowed.example/ HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}`);
  expect(await text(many)).toMatch(/^HTTP\/1\.1 431 /);
});

test('one request a connection: what follows is not served', async () => {
  const server = await httpServer();
  const world = worldOf({ port: server.port });
  const request = 'GET http://allowed.example/ HTTP/1.1\r\n\r\n';
  const inside = enter(world.network);
  inside.write(`${request}GET http://other.example/ HTTP/1.1\r\n\r\n${request}`);
  await text(inside).catch(() => undefined);
  expect(server.requests.length).toBeLessThanOrEqual(1);
  expect(world.dialled.length).toBeLessThanOrEqual(1);
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
  opened.at(-1)?.close();
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
  opened.push({ close: () => inside.destroy() });
  world.network.serve(outside);
  inside.resume().write('GET http://allowed.example/ HTTP/1.1\r\n\r\n');
  await once(outside, 'close');
  expect(outside.writableFinished).toBe(false);
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
