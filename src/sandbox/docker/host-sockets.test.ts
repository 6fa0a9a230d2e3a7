import { expect, test } from 'vitest';
import { HostSockets } from './host-sockets.js';

const HERE = { kind: 'socket', path: '/var/run/docker.sock' } as const;
const REFUSED = new Error('invalid mount config for type "bind": bind source path does not exist: /tmp/x');

test('an engine elsewhere sees no file of this machine', async () => {
  const sockets = new HostSockets({ kind: 'tcp', host: 'engine.example.org', port: 2375 }, () => undefined);
  expect(await sockets.open()).toBeUndefined();
  expect(sockets.wasRefused(REFUSED)).toBe(false);
});

test('one that refuses the first is not asked again', async () => {
  const said: string[] = [];
  const sockets = new HostSockets(HERE, (line) => said.push(line));
  const socket = await sockets.open();
  expect(socket).toBeDefined();
  expect(sockets.wasRefused(new Error('no such image'))).toBe(false);
  expect(sockets.wasRefused(REFUSED)).toBe(true);
  expect(await sockets.open()).toBeUndefined();
  expect(said).toEqual([expect.stringContaining('bind source path does not exist')]);
  await socket?.close();
});
