import type { PoolLimits, PoolProfile } from './pool-action.js';

export interface PoolKernel {
  readonly id: number;
  readonly profile: PoolProfile;
  state: 'booting' | 'waiting' | 'checking' | 'used' | 'ending';
  /** For whom it is booted or checked. */
  claim: number | undefined;
  readySince: number;
}

/** All sandboxes of a pool that are not gone yet, and the room that they leave. */
export class PoolKernels {
  readonly #kernels = new Map<number, PoolKernel>();
  #lastId = 0;

  constructor(private readonly limits: PoolLimits) {}

  get(id: number): PoolKernel | undefined {
    return this.#kernels.get(id);
  }

  of(state: PoolKernel['state'], profile?: PoolProfile): PoolKernel[] {
    return [...this.#kernels.values()].filter(
      (kernel) => kernel.state === state && (profile === undefined || kernel.profile === profile),
    );
  }

  /** The one that is booted or checked for that claim. */
  comingFor(claim: number): PoolKernel | undefined {
    return [...this.of('booting'), ...this.of('checking')].find((kernel) => kernel.claim === claim);
  }

  addBooting(profile: PoolProfile, claim: number | undefined): PoolKernel {
    return this.#add(profile, 'booting', claim);
  }

  addUsed(profile: PoolProfile): PoolKernel {
    return this.#add(profile, 'used', undefined);
  }

  remove(id: number): void {
    this.#kernels.delete(id);
  }

  /** For one more of that profile, as if those of `without` were gone already. */
  hasRoom(profile: PoolProfile, without: readonly PoolKernel[] = []): boolean {
    const live = [...this.#kernels.values()].filter((kernel) => !without.includes(kernel));
    const memory = live.reduce((sum, kernel) => sum + kernel.profile.memoryBytes, 0);
    return live.length < this.limits.maximum && memory + profile.memoryBytes <= this.limits.memoryBytes;
  }

  isOld(kernel: PoolKernel, now: number): boolean {
    return now - kernel.readySince >= this.limits.maxAgeMs;
  }

  #add(profile: PoolProfile, state: PoolKernel['state'], claim: number | undefined): PoolKernel {
    this.#lastId += 1;
    const kernel: PoolKernel = { id: this.#lastId, profile, state, claim, readySince: 0 };
    this.#kernels.set(kernel.id, kernel);
    return kernel;
  }
}
