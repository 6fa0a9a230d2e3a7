import { describe, expect, test } from 'vitest';
import { missingWalls, wallsIn } from './wall-proof.js';

const STATUS = `Name:\tpython3
Uid:\t10001\t10001\t10001\t10001
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t2
`;
const MOUNTS = `overlay / overlay ro,relatime,lowerdir=/x 0 0
tmpfs /workspace tmpfs rw,nosuid 0 0
`;
const DEVICES = `Inter-|   Receive
 face |bytes    packets
    lo:       0       0
`;
const NO_SWAPS = 'Filename\t\tType\t\tSize\n';

interface Files {
  status?: string;
  mounts?: string;
  devices?: string;
  memory1?: string;
  memory2?: string;
  swap1?: string;
  swap2?: string;
  pids1?: string;
  pids2?: string;
  swaps?: string;
}

function text(files: Files): string {
  const { status = STATUS, mounts = MOUNTS, devices = DEVICES } = files;
  const { memory1 = '', memory2 = '', swap1 = '', swap2 = '', pids1 = '', pids2 = '', swaps = '' } = files;
  return [status, mounts, devices, memory1, memory2, swap1, swap2, pids1, pids2, swaps].join('\0') + '\n';
}

describe('what a sandbox sees of its walls', () => {
  test('under version 1 of the control groups', () => {
    const files = { memory1: '536870912\n', swap1: '536870912\n', pids1: '64\n' };
    expect(wallsIn(text(files))).toEqual({
      unprivilegedUser: true,
      noCapabilities: true,
      noNewPrivileges: true,
      readOnlyRoot: true,
      noNetwork: true,
      systemCallFilters: 2,
      memoryBytes: 536_870_912,
      noSwap: true,
      processes: 64,
    });
  });

  test('under version 2', () => {
    const walls = wallsIn(text({ memory2: '536870912\n', swap2: '0\n', pids2: '64\n' }));
    expect(walls).toMatchObject({ memoryBytes: 536_870_912, noSwap: true, processes: 64 });
    expect(missingWalls(walls)).toEqual([]);
  });

  test('no limit is none, however it is written', () => {
    const one = wallsIn(text({ memory1: '9223372036854771712\n', pids1: 'max\n' }));
    const two = wallsIn(text({ memory2: 'max\n', swap2: 'max\n', pids2: 'max\n' }));
    for (const walls of [one, two, wallsIn(text({}))]) {
      expect(walls).not.toHaveProperty('memoryBytes');
      expect(walls).not.toHaveProperty('processes');
      expect(walls.noSwap).toBe(false);
    }
  });

  test('a machine without swap gives none, whatever the engine limits', () => {
    expect(wallsIn(text({ swaps: NO_SWAPS })).noSwap).toBe(true);
    expect(wallsIn(text({ swaps: `${NO_SWAPS}/swapfile file 1024\n` })).noSwap).toBe(false);
  });
});

test.each<[string, Files]>([
  ['it runs as root', { status: STATUS.replaceAll('10001', '0') }],
  [
    'it has capabilities',
    { status: STATUS.replace('CapBnd:\t0000000000000000', 'CapBnd:\t00000000a80425fb') },
  ],
  ['it may gain privileges', { status: STATUS.replace('NoNewPrivs:\t1', 'NoNewPrivs:\t0') }],
  ['its system files can be written to', { mounts: MOUNTS.replace('ro,', 'rw,') }],
  ['it has a network', { devices: `${DEVICES}  eth0:       0       0\n` }],
])('%s is seen', (what, files) => {
  expect(missingWalls(wallsIn(text(files)))).toEqual([what]);
});

test('filters that are off are seen', () => {
  const status = STATUS.replace('Seccomp:\t2', 'Seccomp:\t0').replace('filters:\t2', 'filters:\t0');
  expect(wallsIn(text({ status })).systemCallFilters).toBe(0);
});
