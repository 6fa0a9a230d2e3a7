import { expect, test } from 'vitest';
import { DomainError } from '../../errors.js';
import { type EngineSettings, engineAddress } from './engine-address.js';
import { sshArguments } from './ssh-connection.js';

const at = (dockerHost: string, more: Omit<EngineSettings, 'dockerHost'> = {}) =>
  engineAddress({ dockerHost, ...more });

test('without a setting, the socket of this machine', () => {
  expect(engineAddress({})).toEqual({ kind: 'socket', path: '/var/run/docker.sock' });
  expect(at('unix://')).toEqual({ kind: 'socket', path: '/var/run/docker.sock' });
  expect(at('unix:///run/user/1000/docker.sock')).toEqual({
    kind: 'socket',
    path: '/run/user/1000/docker.sock',
  });
});

test.each([
  ['tcp://box', {}, { host: 'box', port: 2375 }],
  ['tcp://box:4000', {}, { host: 'box', port: 4000 }],
  ['tcp://[::1]:4000', {}, { host: '::1', port: 4000 }],
  ['http://box', {}, { host: 'box', port: 80 }],
  ['tcp://box', { tlsVerify: true }, { host: 'box', port: 2376, tls: { verify: true } }],
  ['tcp://box', { certPath: '/c' }, { host: 'box', port: 2376, tls: { certPath: '/c', verify: false } }],
  [
    'tcp://box:1',
    { certPath: '/c', tlsVerify: true },
    { host: 'box', port: 1, tls: { certPath: '/c', verify: true } },
  ],
  ['https://box', {}, { host: 'box', port: 443, tls: { verify: true } }],
  ['http://box:2', { certPath: '/c', tlsVerify: true }, { host: 'box', port: 2 }],
])('%s with %j', (text, more, expected) => {
  expect(at(text, more)).toEqual({ kind: 'tcp', ...expected });
});

test('ssh takes a user, a port and the path of a socket', () => {
  expect(at('ssh://box')).toEqual({ kind: 'ssh', host: 'box' });
  const address = at('ssh://me@box:2222/run/docker.sock');
  expect(address).toEqual({
    kind: 'ssh',
    host: 'box',
    user: 'me',
    port: 2222,
    socketPath: '/run/docker.sock',
  });
  expect(address.kind === 'ssh' && sshArguments(address).slice(5)).toEqual(
    '-l me -p 2222 -- box docker --host unix:///run/docker.sock system dial-stdio'.split(' '),
  );
});

test('a host that looks like an option of ssh stays a host', () => {
  const address = at('ssh://-oProxyCommand=x');
  expect(address.kind === 'ssh' && sshArguments(address)).toEqual(
    '-o BatchMode=yes -o ConnectTimeout=10 -T -- -oProxyCommand=x docker system dial-stdio'.split(' '),
  );
});

test.each([
  ['box:2375', 'must start with'],
  ['npipe:////./pipe/docker_engine', 'must start with'],
  ['nothing at all', 'must be like'],
  ['tcp://', 'names no host'],
  ['tcp://me@box', 'takes no user name'],
  ['tcp://box/prefix', 'takes no path'],
  ['ssh://me:secret@box', 'takes no password'],
  ['ssh://box/a;b', 'names a socket that cannot be used'],
  ['ssh://box/run?x=1', 'takes nothing after its path'],
])('%s is refused: %s', (text, why) => {
  expect(() => at(text)).toThrow(DomainError);
  expect(() => at(text)).toThrow(`DOCKER_HOST ${why}`);
  expect(() => at(text)).not.toThrow('secret');
});
