import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import type { Egress } from '../egress/egress.js';
import type { PoolLimits } from '../kernel/pool-action.js';
import type { SandboxResources } from '../kernel/sandbox-resources.js';
import type { Outliving } from './container-hold.js';

/** All of the engine's, so many of them, or those with these ids. */
export type GpuRequest = 'all' | number | readonly string[];

/** What one sandbox is made of and may use. */
export interface SandboxProfile extends SandboxResources {
  /** A name or a digest. Never pulled: it must be there, see sandboxes/build-image.mjs. */
  readonly image: string;
  /** A runtime the engine knows, such as `runsc`; the engine's default when absent. */
  readonly runtime?: string;
  readonly gpus?: GpuRequest;
}

/** Everything a setting can change about Docker sandboxes; its own profile is the one for who names none. */
export interface DockerSandboxOptions extends SandboxProfile {
  /** Names this server's containers, so that its next start can sweep what it left. */
  readonly instanceId: string;
  /** As DOCKER_HOST; the engine of this machine when absent. */
  readonly dockerHost?: string;
  /** As DOCKER_CERT_PATH. */
  readonly certPath?: string;
  /** As DOCKER_TLS_VERIFY. */
  readonly tlsVerify?: boolean;
  /** Others that a session may name. */
  readonly profiles?: Readonly<Record<string, SandboxProfile>>;
  /** Over all profiles. */
  readonly limits: PoolLimits;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
  /** Of the kernel that this server speaks to: an image that carries another is refused. */
  readonly kernelVersion?: string;
  /** Absent: no session reaches anything. */
  readonly egress?: Egress;
  /** Absent: no sandbox outlives its process. */
  readonly outliving?: Outliving;
}

/** By name; the default one first. */
export function profilesOf(options: DockerSandboxOptions): ReadonlyMap<string, SandboxProfile> {
  return new Map<string, SandboxProfile>([
    [DEFAULT_PROFILE_NAME, options],
    ...Object.entries(options.profiles ?? {}),
  ]);
}
