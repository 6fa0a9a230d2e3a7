import { expect, test } from 'vitest';
import { containerOptions } from './container-options.js';
import { DOCKER_SANDBOX_DEFAULTS } from './docker-sandbox-options.js';

test('every wall is asked for', () => {
  const options = { ...DOCKER_SANDBOX_DEFAULTS, instanceId: 'here', image: 'image', runtime: 'runsc' };
  const made = containerOptions(options, { 'gantry.session': 'sess_1' });
  expect(made).toMatchObject({
    Image: 'image',
    User: '10001:10001',
    StdinOnce: true,
    Tty: false,
    Labels: { gantry: '1', 'gantry.owner': 'here', 'gantry.session': 'sess_1' },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      Memory: options.memoryBytes,
      MemorySwap: options.memoryBytes,
      PidsLimit: options.pids,
      NanoCpus: 1e9,
      LogConfig: { Type: 'none' },
      Runtime: 'runsc',
    },
  });
  expect(made.HostConfig).not.toHaveProperty('Binds');
  expect(made.HostConfig).not.toHaveProperty('Privileged');
  expect(Object.values(made.HostConfig?.Tmpfs ?? {})).toEqual([
    expect.stringContaining(`nosuid,nodev,size=${options.workspaceBytes},`),
    expect.stringContaining('nosuid,nodev,size='),
  ]);
});
