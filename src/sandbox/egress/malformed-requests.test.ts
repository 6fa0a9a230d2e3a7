import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { startLeakCheck } from '../../../test/support/leak-check.js';
import { closeAll, enter, httpServer, say, worldOf } from '../../../test/support/scripted-internet.js';

const leaks = startLeakCheck();

afterEach(async () => {
  closeAll();
  await leaks.verify();
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
