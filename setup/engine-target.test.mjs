import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/config.js';
import { engineAddress } from '../src/sandbox/docker/engine-address.js';
import { defaultSocket, engineTarget } from './engine-target.mjs';

/** What the server makes of the same environment, in the words of set-up. */
function asTheServerReadsIt(env) {
  const { dockerHost, dockerCertPath, dockerTlsVerify } = loadConfig(env).sandbox;
  try {
    const address = engineAddress({ dockerHost, certPath: dockerCertPath, tlsVerify: dockerTlsVerify });
    if (address.kind === 'socket') return { socketPath: address.path };
    if (address.kind === 'ssh' || address.tls !== undefined) return undefined;
    return { host: address.host, port: address.port };
  } catch {
    return undefined;
  }
}

const hosts = [
  undefined,
  '',
  'unix://',
  'unix:///run/user/1000/docker.sock',
  'tcp://box',
  'tcp://box:4000',
  'tcp://[::1]:4000',
  'tcp://me@box',
  'tcp://box/prefix',
  'tcp://box?x=1',
  'tcp://',
  'http://box',
  'http://box:2',
  'https://box',
  'ssh://me@box',
];
const tls = [
  {},
  { DOCKER_TLS_VERIFY: '1' },
  { DOCKER_TLS_VERIFY: '' },
  { DOCKER_CERT_PATH: '/certificates' },
  { DOCKER_CERT_PATH: '' },
  { DOCKER_CERT_PATH: '/certificates', DOCKER_TLS_VERIFY: '1' },
];

describe('set-up reads the environment as the server does', () => {
  it.each(hosts)('with DOCKER_HOST %s', (host) => {
    for (const more of tls) {
      const env = host === undefined ? more : { ...more, DOCKER_HOST: host };
      expect(engineTarget(env, defaultSocket), JSON.stringify(env)).toEqual(asTheServerReadsIt(env));
    }
  });

  it('and looks for the engine of this machine where it is told to', () => {
    expect(engineTarget({}, '/elsewhere.sock')).toEqual({ socketPath: '/elsewhere.sock' });
  });
});
