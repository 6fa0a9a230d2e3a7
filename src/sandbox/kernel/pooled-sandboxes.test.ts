import { describe, expect, test } from 'vitest';
import { type StandInKernel, standInKernel } from '../../../test/support/stand-in-kernel.js';
import { PooledSandboxes, type PooledProfile } from './pooled-sandboxes.js';

const LIMITS = { maximum: 2, memoryBytes: 1000, queueLength: 1, queueWaitMs: 5000, maxAgeMs: 60_000 };

const spec = (sessionId: string, profile?: string) => ({
  sessionId,
  runId: 'run_1',
  generation: 1,
  ...(profile === undefined ? {} : { profile }),
});

/** Sandboxes whose start is the test's to end; `boots` says for which profile and session, `gone` which have ended. */
function rig(poolSize = 0, more: Readonly<Record<string, PooledProfile>> = {}) {
  const started = Promise.withResolvers<void>();
  const boots: string[] = [];
  const gone: string[] = [];
  const kernels = new Map<string, StandInKernel>();
  const sandboxes = new PooledSandboxes({
    profiles: new Map([['python', { poolSize, memoryBytes: 100 }], ...Object.entries(more)]),
    limits: LIMITS,
    idleMs: 60_000,
    boot: async (profile, claimed) => {
      boots.push(`${profile} for ${claimed?.sessionId ?? 'later'}`);
      const kernel = standInKernel(`kernel-${boots.length}-of-many`, () => gone.push(kernel.id));
      kernels.set(kernel.id, kernel);
      return kernel;
    },
    start: async (fill) => {
      await started.promise;
      await fill();
    },
    log: () => undefined,
  });
  return { sandboxes, boots, gone, kernels, start: () => started.resolve() };
}

describe('a session', () => {
  test('gets nothing before the start is over, and then one of its own that bears its name', async () => {
    const { sandboxes, boots, kernels, start } = rig();
    const sandbox = sandboxes.acquire(spec('sess_a/b'));
    expect(boots).toEqual([]);
    start();
    expect((await sandbox).fresh).toBe(true);
    expect(boots).toEqual(['python for sess_a/b']);
    expect(kernels.get((await sandbox).id)?.names).toEqual(['gantry-sess_ab-kernel-1']);
    expect((await sandboxes.acquire(spec('sess_a/b'))).id).toBe((await sandbox).id);
    expect(sandboxes.current('sess_a/b')?.id).toBe((await sandbox).id);
    await sandboxes.close();
  });

  test('gets one that stands ready and answers, while its successor is made', async () => {
    const { sandboxes, boots, start } = rig(1);
    start();
    await sandboxes.ready();
    expect(sandboxes.occupancy()).toMatchObject({ ready: 1 });
    expect((await sandboxes.acquire(spec('sess_a'))).id).toBe('kernel-1-of-many');
    expect(boots).toEqual(['python for later', 'python for later']);
    await sandboxes.close();
  });

  test('that names a profile gets one of it, or is told why not before anything is booted', async () => {
    const far = { poolSize: 0, memoryBytes: 100, problem: 'Only an engine has that.' };
    const { sandboxes, boots, start } = rig(0, { small: { poolSize: 0, memoryBytes: 50 }, far });
    await expect(sandboxes.acquire(spec('sess_a', 'large'))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'unknown_sandbox_profile',
      message: 'This server has no sandbox profile large any more; it has: python, small, far.',
    });
    await expect(sandboxes.acquire(spec('sess_b', 'far'))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'sandbox_unavailable',
      message: 'Only an engine has that.',
    });
    start();
    await sandboxes.acquire(spec('sess_c', 'small'));
    expect(boots).toEqual(['small for sess_c']);
    await sandboxes.close();
  });
});

test('the end waits for the start, takes what is used and what waits, and refuses who comes after', async () => {
  const { sandboxes, gone, start } = rig(1);
  start();
  await sandboxes.acquire(spec('sess_a'));
  const closed = sandboxes.close();
  await expect(sandboxes.acquire(spec('sess_b'))).rejects.toMatchObject({ code: 'unavailable' });
  await closed;
  expect(gone.toSorted()).toEqual(['kernel-1-of-many', 'kernel-2-of-many']);
  expect(sandboxes.current('sess_a')).toBeUndefined();
});
