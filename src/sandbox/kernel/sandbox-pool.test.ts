import { afterEach, describe, expect, test, vi } from 'vitest';
import { standInKernel } from '../../../test/support/stand-in-kernel.js';
import type { BootedKernel } from './booted-kernel.js';
import type { PoolLimits } from './pool-action.js';
import { SandboxPool } from './sandbox-pool.js';

const LIMITS: PoolLimits = {
  maximum: 2,
  memoryBytes: 1000,
  queueLength: 1,
  queueWaitMs: 5000,
  maxAgeMs: 60_000,
};

/** A pool whose boots, checks and ends are in the test's hands. */
function rig(warm: number, limits: Partial<PoolLimits> = {}) {
  const boots: { for: string | undefined; settle: PromiseWithResolvers<BootedKernel> }[] = [];
  const destroyed: string[] = [];
  const said: string[] = [];
  const sick = new Set<string>();
  const pool = new SandboxPool<string>({
    profiles: [{ name: 'python', warm, memoryBytes: 100 }],
    limits: { ...LIMITS, ...limits },
    boot: (_profile, claimed) => {
      const settle = Promise.withResolvers<BootedKernel>();
      boots.push({ for: claimed, settle });
      return settle.promise;
    },
    check: (kernel) => Promise.resolve(!sick.has(kernel.id)),
    log: (message) => said.push(message),
  });
  const boot = async (index: number, id: string): Promise<BootedKernel> => {
    const made = standInKernel(id, () => destroyed.push(id));
    boots[index]?.settle.resolve(made);
    await boots[index]?.settle.promise;
    return made;
  };
  return { pool, boots, destroyed, said, sick, boot };
}

afterEach(() => vi.useRealTimers());

describe('a claim', () => {
  test('gets one that was booted for it', async () => {
    const { pool, boots, boot } = rig(0);
    const claim = pool.claim('python', 'me');
    expect(boots.map((each) => each.for)).toEqual(['me']);
    await boot(0, 'a');
    expect((await claim).id).toBe('a');
    await pool.close();
  });

  test('gets a waiting one that still answers, while the next is being booted', async () => {
    const { pool, boots, boot, sick, destroyed, said } = rig(1);
    const filled = pool.fill();
    await boot(0, 'a');
    await filled;
    expect((await pool.claim('python', 'me')).id).toBe('a');
    expect(boots.map((each) => each.for)).toEqual([undefined, undefined]);
    await boot(1, 'b');
    sick.add('b');
    const claim = pool.claim('python', 'you');
    await vi.waitFor(() => expect(destroyed).toEqual(['b']));
    expect(said).toEqual(['a waiting sandbox did not answer and was replaced']);
    await boot(2, 'c');
    expect((await claim).id).toBe('c');
    await pool.close();
  });

  test("rejects with its boot's own error", async () => {
    const { pool, boots } = rig(0);
    const claim = pool.claim('python', 'me');
    boots[0]?.settle.reject(new Error('no engine'));
    await expect(claim).rejects.toThrow('no engine');
    expect(pool.occupancy()).toEqual({ ready: 0, booting: 0, used: 0, queued: 0 });
    await pool.close();
  });

  test('that is aborted takes nothing and holds nobody up', async () => {
    const { pool, boot, destroyed } = rig(0, { maximum: 1 });
    const abort = new AbortController();
    const claim = pool.claim('python', 'me', abort.signal);
    abort.abort(new Error('gone'));
    await expect(claim).rejects.toThrow('gone');
    await boot(0, 'a');
    await vi.waitFor(() => expect(destroyed).toEqual(['a']));
    await expect(pool.claim('python', 'me', abort.signal)).rejects.toThrow('gone');
    await pool.close();
  });
});

describe('without room', () => {
  test('a claim is told its place and served when one is lost', async () => {
    const { pool, boot, destroyed } = rig(0, { maximum: 1 });
    const first = pool.claim('python', 'one');
    const kernel = await boot(0, 'a');
    await first;
    const places: number[] = [];
    const second = pool.claim('python', 'two', undefined, (place) => places.push(place));
    expect(places).toEqual([1]);
    await expect(pool.claim('python', 'three')).rejects.toMatchObject({
      code: 'rate_limited',
      reason: 'sandboxes_exhausted',
      details: { used: 1, queued: 1, maximum: 1 },
    });
    kernel.connection.close('done');
    await vi.waitFor(() => expect(destroyed).toEqual(['a']));
    await boot(1, 'b');
    expect((await second).id).toBe('b');
    await pool.close();
  });

  test('a claim that waited too long is refused', async () => {
    vi.useFakeTimers();
    const { pool, boot } = rig(0, { maximum: 1 });
    const first = pool.claim('python', 'one');
    await boot(0, 'a');
    await first;
    const second = pool.claim('python', 'two');
    const refused = expect(second).rejects.toMatchObject({ code: 'rate_limited' });
    await vi.advanceTimersByTimeAsync(5001);
    await refused;
    await pool.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a failed refill is said and tried again later', async () => {
  vi.useFakeTimers();
  const { pool, boots, said } = rig(1);
  const filled = pool.fill();
  boots[0]?.settle.reject(new Error('no engine'));
  await filled;
  expect(said).toEqual(['no warm sandbox of profile python could be made: no engine']);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(boots).toHaveLength(2);
  boots[1]?.settle.reject(new Error('no engine'));
  await pool.close();
});

test('closing waits for what is being booted and ends it', async () => {
  const { pool, boot, destroyed } = rig(2);
  const filled = pool.fill();
  await boot(0, 'a');
  const closed = pool.close();
  await boot(1, 'b');
  await closed;
  await filled;
  expect(destroyed.toSorted()).toEqual(['a', 'b']);
  await expect(pool.claim('python', 'me')).rejects.toMatchObject({ code: 'unavailable' });
});
