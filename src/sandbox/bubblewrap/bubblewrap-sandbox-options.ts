import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import type { Egress } from '../egress/egress.js';
import type { PoolLimits } from '../kernel/pool-action.js';

/** What one sandbox may use. Milliseconds and bytes throughout. */
export interface SandboxResources {
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
  /** No call runs longer, whatever it asks for. */
  readonly maxTimeoutMs?: number;
  /** Why no such sandbox can be had here; absent when it can. */
  readonly problem?: string;
}

/** Everything a setting can change about bubblewrap sandboxes; its own resources are for who names no profile. */
export interface BubblewrapSandboxOptions extends SandboxResources {
  /** The folder that sandboxes/build-rootfs.mjs made; sandboxes see it as `/` and cannot write to it. */
  readonly rootFileSystem: string;
  /** Others that a session may name. */
  readonly profiles?: Readonly<Record<string, SandboxResources>>;
  /** Over all sandboxes. */
  readonly limits: PoolLimits;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
  /** Absent: no session reaches anything. */
  readonly egress?: Egress;
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

/** By name; the default one first. */
export function profilesOf(options: BubblewrapSandboxOptions): ReadonlyMap<string, SandboxResources> {
  return new Map<string, SandboxResources>([
    [DEFAULT_PROFILE_NAME, options],
    ...Object.entries(options.profiles ?? {}),
  ]);
}
