import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type StandInKernel, standInKernel } from '../../../test/support/stand-in-kernel.js';
import { until } from '../../../test/support/until.js';
import { PooledSandboxes } from './pooled-sandboxes.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const LIMITS = { maximum: 2, memoryBytes: 1000, queueLength: 1, queueWaitMs: 5000, maxAgeMs: 60_000 };
const SESSIONS = 20;

/** Sandboxes of which the test itself holds none. */
function rig(idleMs: number) {
  const kernels: WeakRef<StandInKernel>[] = [];
  const sandboxes = new PooledSandboxes({
    profiles: new Map([['python', { poolSize: 0, memoryBytes: 100 }]]),
    limits: LIMITS,
    idleMs,
    boot: async () => {
      const kernel = standInKernel(`kernel-${kernels.length}-of-many`);
      kernels.push(new WeakRef(kernel));
      return kernel;
    },
    start: (fill) => fill(),
    log: () => undefined,
  });
  return {
    sandboxes,
    newest: () => kernels.at(-1)?.deref(),
    held: () => kernels.filter((kernel) => kernel.deref()),
  };
}

type Rig = ReturnType<typeof rig>;

const WAYS: readonly {
  readonly name: string;
  readonly idleMs: number;
  end(rig: Rig, sessionId: string): void | Promise<void>;
}[] = [
  { name: 'released', idleMs: 60_000, end: ({ sandboxes }, sessionId) => sandboxes.release(sessionId) },
  { name: 'killed', idleMs: 60_000, end: ({ newest }) => newest()?.connection.close('it was killed') },
  { name: 'idle', idleMs: 1, end: () => undefined },
];

/** In a function of its own: what it held in its variables is free once it is over. */
async function useAndEnd(all: Rig, end: (typeof WAYS)[number]['end'], number: number, signal: AbortSignal) {
  const sessionId = `sess_${number}`;
  const sandbox = await all.sandboxes.acquire({ sessionId, runId: 'run_1', generation: 1 }, signal);
  await sandbox.remove('old.txt', signal);
  await end(all, sessionId);
  await until('the sandbox is gone', 5000, () => all.sandboxes.occupancy().used === 0);
}

test.each(WAYS)(
  'nothing is held of $name sandboxes, while those who used them go on',
  async ({ idleMs, end }) => {
    const all = rig(idleMs);
    const user = new AbortController();
    for (let number = 0; number < SESSIONS; number += 1) await useAndEnd(all, end, number, user.signal);
    await until('all are collected', 5000, async () => {
      // A reference that was looked through holds until the turn is over.
      await nextTurn();
      collectGarbage();
      return all.held().length === 0;
    });
    expect(user.signal.aborted).toBe(false);
    await all.sandboxes.close();
  },
);
