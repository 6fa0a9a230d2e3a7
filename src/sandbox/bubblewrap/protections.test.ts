import { expect, test } from 'vitest';
import { SANDBOX_DEFAULTS } from '../kernel/sandbox-resources.js';
import type { Findings } from './probe-program.js';
import { gapsIn, protectionsOf } from './protections.js';
import type { SandboxPlace } from './sandbox-place.js';

const options = { ...SANDBOX_DEFAULTS, rootFileSystem: '/data/rootfs/abc' };
const occupancy = { ready: 1, booting: 0, used: 0, queued: 0 };
const place: SandboxPlace = {
  program: 'bwrap',
  options: new Set(),
  account: 'own',
  systemCallFilter: new Uint8Array(),
};

const sound: Findings = {
  userId: 10001,
  capabilities: ['0000000000000000'],
  noNewPrivileges: true,
  filtered: true,
  systemCallFilters: 2,
  interfaces: ['lo'],
  writable: [],
  userNamespaces: false,
  processesVisible: 3,
  workspaceBytes: options.workspaceBytes,
  machineHasSwap: false,
  processes: 60,
};

const holes: Partial<Findings>[] = [
  { userId: 0 },
  { capabilities: ['0000000000000000', '0000000000200000'] },
  { noNewPrivileges: false },
  { filtered: false },
  { interfaces: ['lo', 'eth0'] },
  { writable: ['/proc/sys/kernel/core_pattern'] },
  { userNamespaces: true },
  { processesVisible: 40 },
  { workspaceBytes: 2 ** 40 },
];

test.each(holes)('a wall that does not stand is a gap: %o', (hole) => {
  expect(gapsIn(sound, options)).toEqual([]);
  expect(gapsIn({ ...sound, ...hole }, options)).toHaveLength(1);
});

test('before a probe, and after one that failed, nothing is claimed', () => {
  expect(protectionsOf({}, options, occupancy)).toMatchObject({ available: false, notes: [] });
  expect(protectionsOf({ problem: 'It is gone.' }, options, occupancy)).toMatchObject({
    available: false,
    reason: 'It is gone.',
    profiles: { python: { available: false, reason: 'It is gone.' } },
  });
});

test('without control groups the limits are said for what they are', () => {
  const { notes, memoryBytes, processes, walls } = protectionsOf(
    { findings: { ...sound, processes: 65 }, place },
    options,
    occupancy,
  );
  expect([memoryBytes, processes, walls?.memoryBytes]).toEqual([undefined, undefined, undefined]);
  const text = notes.join(' ');
  expect(text).toContain('512 MiB for each process, not for all together');
  expect(text).toContain('The number of processes is not limited.');
  expect(text).toContain('Processor time is not limited.');
});

test('each profile has notes of its own', () => {
  const large = { ...options, memoryBytes: 2 ** 32, cpus: 4, pids: 32, maxTimeoutMs: 9000 };
  const profiles = { large, gpu: { ...large, problem: 'No graphics processors.' } };
  const told = protectionsOf({ findings: sound, place }, { ...options, profiles }, occupancy);
  expect(told.profiles?.['python']?.notes).toEqual(told.notes);
  const notes = told.profiles?.['large']?.notes.join(' ');
  expect(notes).toContain('Memory is limited to 4096 MiB');
  expect(notes).toContain('At most 32 processes');
  expect(notes).toContain('No call runs longer than 9 s.');
  expect(told.profiles?.['gpu']).toMatchObject({ available: false, notes: [] });
});
