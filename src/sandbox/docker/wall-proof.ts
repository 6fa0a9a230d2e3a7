import type { BootedKernel } from '../kernel/booted-kernel.js';
import { runExecution } from '../kernel/execution.js';
import type { SandboxWalls } from '../sandbox.js';

const PROOF_TIMEOUT_MS = 10_000;

const FILES = [
  '/proc/self/status',
  '/proc/self/mounts',
  '/proc/net/dev',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  '/sys/fs/cgroup/memory.max',
  '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes',
  '/sys/fs/cgroup/memory.swap.max',
  '/sys/fs/cgroup/pids/pids.max',
  '/sys/fs/cgroup/pids.max',
  '/proc/swaps',
] as const;

/** One expression, so that it leaves no variable behind. */
const PROGRAM = `print("\\0".join(open(p).read() if __import__("os").access(p, 4) else "" for p in (${FILES.map((path) => `"${path}"`).join(', ')})))`;

/** What a file of limits says; undefined when there is none or no limit in it. */
function limitIn(text: string | undefined, ceiling: number): number | undefined {
  const value = Number((text ?? '').trim() || Number.NaN);
  return Number.isFinite(value) && value < ceiling ? value : undefined;
}

/** More than any machine has: version 1 of the control groups writes no limit as a number near 2^63. */
const NO_BYTES = 2 ** 60;
const NO_PROCESSES = 2 ** 30;

/** Pure: what the files say, in the order of `FILES`. */
export function wallsIn(text: string): SandboxWalls {
  const [status = '', mounts = '', devices = '', memory1, memory2, swap1, swap2, pids1, pids2, swaps] =
    text.split('\0');
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  const capabilities = ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'CapInh'].map(field);
  const memoryBytes = limitIn(memory1, NO_BYTES) ?? limitIn(memory2, NO_BYTES);
  const withSwap = limitIn(swap1, NO_BYTES);
  const processes = limitIn(pids1, NO_PROCESSES) ?? limitIn(pids2, NO_PROCESSES);
  const filters = field('Seccomp_filters');
  return {
    unprivilegedUser: field('Uid') !== '0',
    noCapabilities: capabilities.every((set) => set === undefined || /^0+$/.test(set)),
    noNewPrivileges: field('NoNewPrivs') !== '0',
    readOnlyRoot: /^\S+ \/ \S+ ro(,|\s)/m.test(mounts),
    noNetwork: interfacesIn(devices).every((name) => name === 'lo'),
    systemCallFilters: field('Seccomp') === '2' ? Number(filters ?? 1) : 0,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    noSwap: (withSwap !== undefined && withSwap === memoryBytes) || swap2?.trim() === '0' || hasNoSwap(swaps),
    ...(processes === undefined ? {} : { processes }),
  };
}

/** A machine without any cannot give any. */
function hasNoSwap(swaps = ''): boolean {
  return swaps.trim() !== '' && swaps.trim().split('\n').length === 1;
}

function interfacesIn(devices: string): string[] {
  return devices.split('\n').flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
}

/** What the code of a session stands behind, as that code itself can see it; undefined when it cannot be told. */
export async function proveWalls({ connection }: BootedKernel): Promise<SandboxWalls | undefined> {
  const result = await runExecution(
    connection,
    { op: 'exec', code: PROGRAM },
    { timeoutMs: PROOF_TIMEOUT_MS },
    () => undefined,
    new AbortController().signal,
    () => undefined,
  );
  return result.outcome === 'completed' ? wallsIn(result.stdout) : undefined;
}

/** The walls without which no stranger's code may run, as far as they are missing. */
export function missingWalls(walls: SandboxWalls): string[] {
  return [
    ...(walls.unprivilegedUser ? [] : ['it runs as root']),
    ...(walls.noCapabilities ? [] : ['it has capabilities']),
    ...(walls.noNewPrivileges ? [] : ['it may gain privileges']),
    ...(walls.readOnlyRoot ? [] : ['its system files can be written to']),
    ...(walls.noNetwork ? [] : ['it has a network']),
  ];
}
