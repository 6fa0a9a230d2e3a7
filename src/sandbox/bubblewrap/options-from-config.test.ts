import { expect, test } from 'vitest';
import { loadConfig } from '../../config/config.js';
import { bubblewrapSandboxOptions } from './options-from-config.js';

const MEBIBYTE = 2 ** 20;

test('profiles differ in what they say, and one that only an engine can give says what it asks for', () => {
  const { sandbox } = loadConfig({
    GANTRY_SANDBOX_MEMORY_MB: '256',
    GANTRY_SANDBOX_PROFILES: JSON.stringify({
      large: { memory_mb: 1024, pool: 1, timeout_sec: 5, image: 'python' },
      other: { image: 'example/image', gpus: 'all', pool: 2 },
    }),
  });
  const options = bubblewrapSandboxOptions(sandbox, '/root-fs', true);
  expect(options).toMatchObject({ rootFileSystem: '/root-fs', memoryBytes: 256 * MEBIBYTE, poolSize: 1 });
  expect(options.profiles?.['large']).toEqual({
    memoryBytes: 1024 * MEBIBYTE,
    workspaceBytes: options.workspaceBytes,
    pids: options.pids,
    cpus: options.cpus,
    poolSize: 1,
    maxTimeoutMs: 5000,
  });
  expect(options.profiles?.['other']).toMatchObject({
    poolSize: 0,
    problem: expect.stringContaining('image, gpus'),
  });
});

test('a process that works no runs keeps none ready', () => {
  const { sandbox } = loadConfig({ GANTRY_SANDBOX_PROFILES: '{"large":{"pool":3}}' });
  const options = bubblewrapSandboxOptions(sandbox, '/root-fs', false);
  expect([options.poolSize, options.profiles?.['large']?.poolSize]).toEqual([0, 0]);
});

test.each([
  ['GANTRY_SANDBOX_GPUS', 'all'],
  ['GANTRY_SANDBOX_RUNTIME', 'runsc'],
  ['GANTRY_SANDBOX_IMAGE', 'example/image'],
])('where %s asks for what only an engine has, no sandbox stands in for one that has it', (name, value) => {
  const { sandbox } = loadConfig({ [name]: value, GANTRY_SANDBOX_PROFILES: '{"large":{"pool":3}}' });
  const options = bubblewrapSandboxOptions(sandbox, '/root-fs', true);
  expect(options).toMatchObject({ poolSize: 0, problem: expect.stringContaining(name) });
  expect(options.profiles?.['large']).toMatchObject({ poolSize: 0, problem: expect.any(String) });
});

test('the image python is what bubblewrap has', () => {
  const { sandbox } = loadConfig({ GANTRY_SANDBOX_IMAGE: 'python' });
  expect(bubblewrapSandboxOptions(sandbox, '/root-fs', true)).not.toHaveProperty('problem');
});
