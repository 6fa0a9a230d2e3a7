import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { startLeakCheck } from '../../../test/support/leak-check.js';
import {
  closeAll,
  echoServer,
  enter,
  PUBLIC_ADDRESS,
  say,
  worldOf,
} from '../../../test/support/scripted-internet.js';

const leaks = startLeakCheck();

afterEach(async () => {
  closeAll();
  await leaks.verify();
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
