import type { Config } from '../../config/config.js';
import type { ProfileSetting } from '../../config/sandbox-profiles.js';

const MEBIBYTE = 2 ** 20;

/** What one sandbox may use, and how many stand ready. Milliseconds and bytes throughout. */
export interface SandboxResources {
  /** Booted ones that wait for a session. 0 boots each on demand. */
  readonly poolSize: number;
  /** Swap included: there is none. With bubblewrap and without control groups it is for each process. */
  readonly memoryBytes: number;
  /** Counts against `memoryBytes`: the working directory lives in memory. */
  readonly workspaceBytes: number;
  /** Threads count too. */
  readonly pids: number;
  /** With bubblewrap enforced by control groups only. */
  readonly cpus: number;
  /** No call runs longer, whatever it asks for. */
  readonly maxTimeoutMs?: number;
}

/** As the settings have them by default; for tests and measurements. */
export const SANDBOX_DEFAULTS = {
  poolSize: 1,
  memoryBytes: 512 * MEBIBYTE,
  workspaceBytes: 128 * MEBIBYTE,
  pids: 64,
  cpus: 1,
  idleMs: 15 * 60_000,
  limits: {
    maximum: 32,
    memoryBytes: 16 * 2 ** 30,
    queueLength: 32,
    queueWaitMs: 60_000,
    maxAgeMs: 60 * 60_000,
  },
} as const;

/** Of the sandboxes of who names no profile. Pure; a process that works no runs keeps none ready. */
export function standardResources(sandbox: Config['sandbox'], keepsWarm: boolean): SandboxResources {
  return {
    poolSize: keepsWarm ? sandbox.poolSize : 0,
    memoryBytes: sandbox.memoryBytes,
    workspaceBytes: sandbox.workspaceBytes,
    pids: sandbox.processes,
    cpus: sandbox.cpus,
  };
}

/** Of a named profile: what it does not say is as in the standard ones. Pure. */
export function profileResources(
  { memory_mb, workspace_mb, processes, cpus, pool, timeout_sec }: ProfileSetting,
  standard: SandboxResources,
  keepsWarm: boolean,
): SandboxResources {
  return {
    poolSize: keepsWarm ? pool : 0,
    memoryBytes: memory_mb === undefined ? standard.memoryBytes : memory_mb * MEBIBYTE,
    workspaceBytes: workspace_mb === undefined ? standard.workspaceBytes : workspace_mb * MEBIBYTE,
    pids: processes ?? standard.pids,
    cpus: cpus ?? standard.cpus,
    ...(timeout_sec === undefined ? {} : { maxTimeoutMs: timeout_sec * 1000 }),
  };
}
