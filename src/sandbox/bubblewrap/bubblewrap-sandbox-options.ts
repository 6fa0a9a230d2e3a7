import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import type { Egress } from '../egress/egress.js';
import type { PoolLimits } from '../kernel/pool-action.js';
import type { SandboxResources } from '../kernel/sandbox-resources.js';

/** What one sandbox may use. */
export interface BubblewrapProfile extends SandboxResources {
  /** Why no such sandbox can be had here; absent when it can. */
  readonly problem?: string;
}

/** Everything a setting can change about bubblewrap sandboxes; its own resources are for who names no profile. */
export interface BubblewrapSandboxOptions extends BubblewrapProfile {
  /** The folder that sandboxes/build-rootfs.mjs made; sandboxes see it as `/` and cannot write to it. */
  readonly rootFileSystem: string;
  /** Others that a session may name. */
  readonly profiles?: Readonly<Record<string, BubblewrapProfile>>;
  /** Over all sandboxes. */
  readonly limits: PoolLimits;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
  /** Absent: no session reaches anything. */
  readonly egress?: Egress;
}

/** By name; the default one first. */
export function profilesOf(options: BubblewrapSandboxOptions): ReadonlyMap<string, BubblewrapProfile> {
  return new Map<string, BubblewrapProfile>([
    [DEFAULT_PROFILE_NAME, options],
    ...Object.entries(options.profiles ?? {}),
  ]);
}
