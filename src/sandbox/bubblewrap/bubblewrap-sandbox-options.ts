import type { PoolLimits } from '../kernel/pool-action.js';

/** Everything a setting can change about bubblewrap sandboxes. Milliseconds and bytes throughout. */
export interface BubblewrapSandboxOptions {
  /** The folder that sandboxes/build-rootfs.mjs made; sandboxes see it as `/` and cannot write to it. */
  readonly rootFileSystem: string;
  /** Booted sandboxes that wait for a session. 0 boots each on demand. */
  readonly poolSize: number;
  /** Of the sandbox where control groups can be had, else of each of its processes. */
  readonly memoryBytes: number;
  /** Counts against `memoryBytes` where that is the sandbox's: the working directory lives in memory. */
  readonly workspaceBytes: number;
  /** Threads count too. */
  readonly pids: number;
  /** Enforced with control groups only. */
  readonly cpus: number;
  /** Over all sandboxes. */
  readonly limits: PoolLimits;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
}

export const BUBBLEWRAP_SANDBOX_DEFAULTS = {
  poolSize: 1,
  memoryBytes: 512 * 2 ** 20,
  workspaceBytes: 128 * 2 ** 20,
  pids: 64,
  cpus: 1,
  limits: {
    maximum: 32,
    memoryBytes: 16 * 2 ** 30,
    queueLength: 32,
    queueWaitMs: 60_000,
    maxAgeMs: 60 * 60_000,
  },
  idleMs: 15 * 60_000,
} as const satisfies Partial<BubblewrapSandboxOptions>;
