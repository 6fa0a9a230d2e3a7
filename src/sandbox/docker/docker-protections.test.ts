import { describe, expect, test } from 'vitest';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import { type SandboxWalls, USUAL_PACKAGES } from '../sandbox.js';
import { dockerProtections, type ProfileKnowledge } from './docker-protections.js';
import type { SandboxProfile } from './docker-sandbox-options.js';
import type { EngineFacts } from './engine-probe.js';

const FACTS: EngineFacts = {
  version: '20.10.24',
  architecture: 'x86_64',
  cgroup: '1',
  runtimes: ['runc'],
  defaultRuntime: 'runc',
  seccomp: true,
  rootless: false,
  userNamespaces: false,
  limitsMemory: true,
  limitsSwap: true,
  limitsProcesses: true,
};
const WALLS: SandboxWalls = {
  unprivilegedUser: true,
  noCapabilities: true,
  noNewPrivileges: true,
  readOnlyRoot: true,
  noNetwork: true,
  systemCallFilters: 2,
  noSwap: true,
};
const PROFILE: SandboxProfile = { ...SANDBOX_DEFAULTS, image: 'image' };
const OCCUPANCY = { ready: 1, booting: 0, used: 0, queued: 0 };

function protections(facts: Partial<EngineFacts>, known: Partial<ProfileKnowledge> = {}) {
  const first = { profile: PROFILE, problem: undefined, walls: undefined, ...known };
  return dockerProtections({ ...FACTS, ...facts }, new Map([['python', first]]), OCCUPANCY);
}

describe('what is told of the walls', () => {
  test('is what the engine says until a sandbox was seen', () => {
    expect(protections({})).toMatchObject({
      available: true,
      memoryBytes: PROFILE.memoryBytes,
      processes: 64,
      engine: { cgroup: '1', runtime: 'runc', rootless: false },
      occupancy: OCCUPANCY,
    });
    expect(protections({ seccomp: false }).notes).toContain('This engine does not filter system calls.');
    expect(protections({ limitsMemory: false })).not.toHaveProperty('memoryBytes');
  });

  test('is what a sandbox saw from then on', () => {
    const seen = protections({}, { walls: WALLS });
    expect(seen).toMatchObject({ walls: WALLS });
    expect(seen).not.toHaveProperty('memoryBytes');
    expect(seen.notes.join(' ')).toContain('This engine cannot limit memory');
    expect(seen.notes.join(' ')).toContain('This engine cannot limit processes');
    const unfiltered = protections({}, { walls: { ...WALLS, systemCallFilters: 0 } });
    expect(unfiltered.notes).toContain('This engine does not filter system calls.');
  });
});

test('a profile that cannot be had says why, and a default one turns the tools off', () => {
  const off = protections({}, { problem: 'The image is missing.' });
  expect(off).toMatchObject({ available: false, reason: 'The image is missing.' });
  expect(off.profiles).toEqual({
    python: expect.objectContaining({ available: false, reason: 'The image is missing.' }),
  });
});

test('a profile tells its size, its graphics processors and its ceiling, and no names of images', () => {
  const profile = { ...PROFILE, gpus: 2, maxTimeoutMs: 9000 };
  const { profiles, notes } = protections({}, { profile });
  expect(profiles?.['python']).toEqual({
    available: true,
    memoryBytes: PROFILE.memoryBytes,
    workspaceBytes: PROFILE.workspaceBytes,
    processes: 64,
    cpus: 1,
    gpus: 2,
    maxTimeoutMs: 9000,
    notes,
  });
  expect(notes).toContain('Graphics processors can be used: 2.');
  expect(notes).toContain('No call runs longer than 9 s.');
});

test('each profile has notes of its own, and says what its image has where that is known', () => {
  const entry = (image: string, others: Partial<SandboxProfile> = {}, problem?: string) => ({
    profile: { ...PROFILE, image, ...others },
    problem,
    walls: undefined,
  });
  const known = new Map<string, ProfileKnowledge>([
    ['python', entry('gantry-sandbox:1')],
    ['large', entry('gantry-sandbox-slim:1', { memoryBytes: 2 ** 32, cpus: 4 })],
    ['own', entry('registry/own:2', { gpus: 'all' }, 'There are none.')],
  ]);
  const { notes, profiles } = dockerProtections(FACTS, known, OCCUPANCY);
  expect(profiles?.['python']).toMatchObject({ notes, packages: USUAL_PACKAGES });
  expect(profiles?.['large']?.packages).toEqual([]);
  const large = profiles?.['large']?.notes.join(' ');
  expect(large).toContain('Memory is limited to 4096 MiB');
  expect(large).toContain('on 4 processor core(s)');
  expect(profiles?.['own']).toMatchObject({ available: false, notes: [] });
  expect(profiles?.['own']).not.toHaveProperty('packages');
});
