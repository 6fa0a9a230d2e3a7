import type { PoolLimits, PoolProfile } from '../../src/sandbox/kernel/pool-action.js';
import { PoolState } from '../../src/sandbox/kernel/pool-state.js';

/** What the pools of these tests may have at most. */
export const LIMITS: PoolLimits = {
  maximum: 3,
  memoryBytes: 1000,
  queueLength: 2,
  queueWaitMs: 100,
  maxAgeMs: 1000,
};

export const small = (warm: number): PoolProfile => ({ name: 'small', warm, memoryBytes: 100 });
export const large = (warm: number): PoolProfile => ({ name: 'large', warm, memoryBytes: 600 });

export function pool(profiles: readonly PoolProfile[], limits: Partial<PoolLimits> = {}): PoolState {
  return new PoolState(profiles, { ...LIMITS, ...limits });
}
