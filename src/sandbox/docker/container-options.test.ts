import { expect, test } from 'vitest';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import { containerOptions } from './container-options.js';

const profile = { ...SANDBOX_DEFAULTS, image: 'image' };

test('every wall is asked for', () => {
  const made = containerOptions({ ...profile, runtime: 'runsc' }, 'a-name', { 'gantry.session': 'sess_1' });
  expect(made).toMatchObject({
    name: 'a-name',
    Image: 'image',
    User: '10001:10001',
    StdinOnce: true,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    Labels: { gantry: '1', 'gantry.session': 'sess_1' },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      Memory: profile.memoryBytes,
      MemorySwap: profile.memoryBytes,
      PidsLimit: profile.pids,
      NanoCpus: 1e9,
      LogConfig: { Type: 'none' },
      Runtime: 'runsc',
    },
  });
  expect(made.HostConfig).not.toHaveProperty('Binds');
  expect(made.HostConfig).not.toHaveProperty('Privileged');
  expect(made.HostConfig).not.toHaveProperty('DeviceRequests');
  expect(Object.values(made.HostConfig?.Tmpfs ?? {})).toEqual([
    expect.stringContaining(`nosuid,nodev,size=${profile.workspaceBytes},`),
    expect.stringContaining('nosuid,nodev,size='),
  ]);
});

test.each([
  ['all', { Count: -1 }],
  [2, { Count: 2 }],
  [['GPU-1', 'GPU-2'], { DeviceIDs: ['GPU-1', 'GPU-2'] }],
] as const)('graphics processors %j are asked for', (gpus, request) => {
  const made = containerOptions({ ...profile, gpus }, 'a-name', {});
  expect(made.HostConfig?.DeviceRequests).toEqual([
    { Driver: '', Capabilities: [['gpu', 'compute', 'utility']], ...request },
  ]);
});

test('it ends with its process, or, where it may outlive that, when none has come for so long', () => {
  expect(containerOptions(profile, 'a-name', {})).toMatchObject({ StdinOnce: true });
  expect(containerOptions(profile, 'a-name', {})).not.toHaveProperty('Env');
  expect(containerOptions(profile, 'a-name', {}, { unattendedMs: 600_000 })).toMatchObject({
    StdinOnce: false,
    Env: ['GANTRY_UNATTENDED_SEC=600'],
  });
});

test('the host’s socket is mounted read-only, and only where there is one', () => {
  expect(containerOptions(profile, 'a-name', {}).HostConfig).not.toHaveProperty('Mounts');
  const made = containerOptions(profile, 'a-name', {}, { hostSocketFolder: '/tmp/gantry-host-1/k' });
  expect(made.HostConfig?.Mounts).toEqual([
    { Type: 'bind', Source: '/tmp/gantry-host-1/k', Target: '/run/gantry', ReadOnly: true },
  ]);
});
