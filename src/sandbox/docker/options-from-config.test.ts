import { expect, test } from 'vitest';
import { loadConfig } from '../../config/config.js';
import type { KeptSandboxes } from './kept-sandboxes.js';
import { dockerSandboxOptions } from './options-from-config.js';

const surroundings = {
  instanceId: 'here',
  images: { python: 'gantry-sandbox:1', slim: 'gantry-sandbox-slim:1' },
  kernelVersion: 'k1',
  keepsWarm: true,
};

const optionsFor = (environment: Record<string, string>, keepsWarm = true) =>
  dockerSandboxOptions(loadConfig(environment).sandbox, { ...surroundings, keepsWarm });

test('a profile takes what it does not say from the settings for all', () => {
  const { profiles } = optionsFor({
    GANTRY_SANDBOX_CPUS: '2',
    GANTRY_SANDBOX_RUNTIME: 'runsc',
    GANTRY_SANDBOX_PROFILES:
      '{"large":{"memory_mb":2048,"timeout_sec":9,"gpus":"2"},"slim":{"image":"python-slim","pool":3,"runtime":"runc"}}',
  });
  expect(profiles).toEqual({
    large: {
      image: 'gantry-sandbox:1',
      memoryBytes: 2 ** 31,
      workspaceBytes: 64 * 2 ** 20,
      pids: 64,
      cpus: 2,
      poolSize: 0,
      runtime: 'runsc',
      gpus: 2,
      maxTimeoutMs: 9000,
    },
    slim: {
      image: 'gantry-sandbox-slim:1',
      memoryBytes: 512 * 2 ** 20,
      workspaceBytes: 64 * 2 ** 20,
      pids: 64,
      cpus: 2,
      poolSize: 3,
      runtime: 'runc',
    },
  });
});

test('the default image is one of ours or any other', () => {
  expect(optionsFor({}).image).toBe('gantry-sandbox:1');
  expect(optionsFor({ GANTRY_SANDBOX_IMAGE: 'python-slim' }).image).toBe('gantry-sandbox-slim:1');
  expect(optionsFor({ GANTRY_SANDBOX_IMAGE: 'mine@sha256:2' }).image).toBe('mine@sha256:2');
});

test('a process that works no runs keeps nothing ready', () => {
  const environment = { GANTRY_SANDBOX_PROFILES: '{"large":{"pool":2}}' };
  const { poolSize, profiles } = optionsFor(environment, false);
  expect([poolSize, profiles?.['large']?.poolSize]).toEqual([0, 0]);
});

test('the engine is the one that Docker would take', () => {
  const options = optionsFor({ DOCKER_HOST: 'tcp://box', DOCKER_CERT_PATH: '/c', DOCKER_TLS_VERIFY: '1' });
  expect(options).toMatchObject({ dockerHost: 'tcp://box', certPath: '/c', tlsVerify: true });
});

test('sandboxes outlive their process only where it is written who has them; one without runs takes none of others', () => {
  expect(optionsFor({})).not.toHaveProperty('outliving');
  const kept = {} as KeptSandboxes;
  for (const keepsWarm of [true, false]) {
    const options = dockerSandboxOptions(loadConfig({}).sandbox, { ...surroundings, keepsWarm, kept });
    expect(options.outliving).toEqual({ kept, unattendedMs: 600_000, adoptsOrphans: keepsWarm });
  }
});
