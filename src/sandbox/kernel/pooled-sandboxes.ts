import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import { DomainError } from '../../errors.js';
import type { Egress } from '../egress/egress.js';
import type { Sandbox, SandboxOccupancy, SandboxSpec } from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import { kernelAnswers } from './kernel-health.js';
import type { PoolLimits } from './pool-action.js';
import { SandboxPool } from './sandbox-pool.js';
import { type KernelLeft, SessionKernels } from './session-kernels.js';

const CHECK_TIMEOUT_MS = 2000;

export interface KernelTakenOver extends KernelLeft {
  /** As it was made. */
  readonly profile: string;
}

/** What has to be known of one kind of sandbox to hand it out. */
export interface PooledProfile {
  /** Booted ones that wait for a session. */
  readonly poolSize: number;
  /** The most that one may use. */
  readonly memoryBytes: number;
  /** Why none can be had here; absent when they can. */
  readonly problem?: string;
}

export interface PooledSandboxesParts {
  /** By the names that sessions may choose; the default one is `DEFAULT_PROFILE_NAME`. */
  readonly profiles: ReadonlyMap<string, PooledProfile>;
  readonly limits: PoolLimits;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
  /** Absent: no session reaches anything. */
  readonly egress?: Egress | undefined;
  /** For a session, or to stand ready. Rejects with what the session is told. */
  boot(profile: string, spec: SandboxSpec | undefined): Promise<BootedKernel>;
  /** One that an earlier process left for that session; never rejects. Absent: none outlives its process. */
  takeOver?(spec: SandboxSpec): Promise<KernelTakenOver | undefined>;
  /** Begun at once; no session gets a sandbox before it is over. Never rejects. `fill` makes those that stand ready. */
  start(fill: () => Promise<void>): Promise<void>;
  log(message: string): void;
}

/** What providers whose sandboxes have a kernel have in common: profiles by name, a pool of each, one for each session. */
export class PooledSandboxes {
  readonly #pool: SandboxPool<SandboxSpec>;
  readonly #sessions: SessionKernels;
  readonly #ready: Promise<void>;

  constructor(private readonly parts: PooledSandboxesParts) {
    const { profiles, limits, idleMs, egress } = parts;
    this.#pool = new SandboxPool<SandboxSpec>({
      profiles: [...profiles].map(([name, { poolSize, memoryBytes }]) => ({
        name,
        warm: poolSize,
        memoryBytes,
      })),
      limits,
      boot: (profile, spec) => parts.boot(profile, spec),
      check: (kernel) => kernelAnswers(kernel, CHECK_TIMEOUT_MS),
      log: (message) => parts.log(message),
    });
    this.#sessions = new SessionKernels(
      {
        make: (spec, signal, onQueued) => this.#claim(spec, signal, onQueued),
        ...(parts.takeOver === undefined ? {} : { takeOver: (spec) => this.#takeOver(spec) }),
      },
      idleMs,
      egress,
    );
    this.#ready = parts.start(() => this.#pool.fill());
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  occupancy(): SandboxOccupancy {
    return this.#pool.occupancy();
  }

  acquire(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<Sandbox> {
    return this.#sessions.acquire(spec, signal, onQueued);
  }

  recover(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox | undefined> {
    return this.#sessions.recover(spec, signal);
  }

  current(sessionId: string): Sandbox | undefined {
    return this.#sessions.current(sessionId);
  }

  release(sessionId: string): Promise<void> {
    return this.#sessions.release(sessionId);
  }

  /** Resolves when none is left, and none is being made. */
  async close(): Promise<void> {
    this.#sessions.refuse();
    await this.#ready;
    await Promise.all([this.#pool.close(), this.#sessions.close()]);
  }

  async #takeOver(spec: SandboxSpec): Promise<KernelLeft | undefined> {
    const taken = await this.parts.takeOver?.(spec);
    if (taken !== undefined) this.#pool.adopt(taken.profile, taken.kernel);
    return taken;
  }

  async #claim(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<BootedKernel> {
    const name = spec.profile ?? DEFAULT_PROFILE_NAME;
    const { profiles } = this.parts;
    const profile = profiles.get(name);
    if (profile === undefined) {
      throw new DomainError(
        'unavailable',
        `This server has no sandbox profile ${name} any more; it has: ${[...profiles.keys()].join(', ')}.`,
        { reason: 'unknown_sandbox_profile' },
      );
    }
    if (profile.problem !== undefined) {
      throw new DomainError('unavailable', profile.problem, { reason: 'sandbox_unavailable' });
    }
    await this.#ready;
    const kernel = await this.#pool.claim(name, spec, signal, onQueued);
    await kernel.outlive?.keepFor(spec);
    void kernel.rename(`gantry-${spec.sessionId.replaceAll(/[^\w.-]/g, '')}-${kernel.id.slice(0, 8)}`);
    return kernel;
  }
}
