import { describe, expect, test } from 'vitest';
import { large, pool, small } from '../../../test/support/pool-fixture.js';
import type { PoolAction, PoolLimits } from './pool-action.js';
import type { PoolState } from './pool-state.js';

/** Boots what stands ready, one after another; returns how many. */
function warmUp(state: PoolState, now = 0): number {
  let booted = 0;
  let actions = state.tick(now);
  for (;;) {
    const boot = actions.find((action) => action.type === 'boot');
    if (boot === undefined) return booted;
    booted += 1;
    actions = state.booted(boot.kernel, now);
  }
}

const shown = (actions: readonly PoolAction[]): string[] =>
  actions.map((action) => {
    if (action.type === 'refuse') return `refuse ${action.claim} ${action.refusal.reason}`;
    if (action.type === 'queued') return `queued ${action.claim} ${action.position}`;
    if (action.type === 'grant') return `grant ${action.claim} ${action.kernel}`;
    if (action.type === 'boot')
      return `boot ${action.kernel} ${action.profile} for ${action.claim ?? 'later'}`;
    return `${action.type} ${action.kernel}`;
  });

describe('refilling', () => {
  test('is done one at a time, over all profiles', () => {
    const state = pool([small(2), large(1)]);
    expect(shown(state.tick(0))).toEqual(['boot 1 small for later']);
    expect(shown(state.tick(0))).toEqual([]);
    expect(shown(state.booted(1, 0))).toEqual(['boot 2 small for later']);
    expect(shown(state.booted(2, 0))).toEqual(['boot 3 large for later']);
    expect(shown(state.booted(3, 0))).toEqual([]);
    expect(state.occupancy()).toEqual({ ready: 3, booting: 0, used: 0, queued: 0 });
  });

  test('stops after a failure until time passes or somebody claims', () => {
    const state = pool([small(1)]);
    state.tick(0);
    expect(shown(state.bootFailed(1, 0))).toEqual([]);
    expect(shown(state.tick(1))).toEqual(['boot 2 small for later']);
  });

  test('stays within the number and the memory', () => {
    expect(warmUp(pool([small(5)]))).toBe(3);
    expect(warmUp(pool([large(2)]))).toBe(1);
    expect(warmUp(pool([small(1), large(1)], { memoryBytes: 650 }))).toBe(1);
  });
});

describe('a claim', () => {
  test('takes a waiting one once it is known to answer, and never waits behind a refill', () => {
    const state = pool([small(2)]);
    state.tick(0);
    state.booted(1, 0);
    expect(shown(state.claim('small', 1).actions)).toEqual(['check 1']);
    expect(shown(state.checked(1, true, 2))).toEqual(['grant 1 1']);
    expect(state.occupancy()).toMatchObject({ booting: 1, used: 1 });
  });

  test('gets the next one when the first does not answer', () => {
    const state = pool([small(2)]);
    warmUp(state);
    state.claim('small', 1);
    expect(shown(state.checked(1, false, 2))).toEqual(['destroy 1', 'check 2']);
    expect(shown(state.lost(2, 3))).toEqual(['boot 3 small for 1']);
    expect(shown(state.checked(2, true, 4))).toEqual([]);
    expect(shown(state.booted(3, 5))).toEqual(['grant 1 3']);
  });

  test('is served by a refill that is under way', () => {
    const state = pool([small(1)]);
    state.tick(0);
    expect(shown(state.claim('small', 1).actions)).toEqual([]);
    expect(shown(state.booted(1, 2))).toEqual(['grant 1 1', 'boot 2 small for later']);
  });

  test('gets a boot of its own when that refill fails', () => {
    const state = pool([small(1)]);
    state.tick(0);
    state.claim('small', 1);
    expect(shown(state.bootFailed(1, 2))).toEqual(['boot 2 small for 1']);
    expect(shown(state.bootFailed(2, 2))).toContain('refuse 1 boot_failed');
  });

  test('that went away leaves nothing that carries its name', () => {
    const state = pool([small(0)]);
    state.claim('small', 0);
    expect(shown(state.withdraw(1, 0))).toEqual([]);
    expect(shown(state.booted(1, 0))).toEqual(['destroy 1']);
  });

  test('that went away during the check leaves the sandbox to the next', () => {
    const state = pool([small(1)], { maximum: 1 });
    warmUp(state);
    state.claim('small', 0);
    state.withdraw(1, 0);
    expect(shown(state.checked(1, true, 0))).toEqual([]);
    expect(state.occupancy()).toMatchObject({ ready: 1, used: 0 });
  });

  test('of more than there can ever be is refused at once', () => {
    expect(shown(pool([large(0)], { memoryBytes: 599 }).claim('large', 0).actions)).toEqual([
      'refuse 1 never_fits',
    ]);
  });
});

describe('without room', () => {
  function full(limits: Partial<PoolLimits> = {}): PoolState {
    const state = pool([small(0), large(0)], { maximum: 1, ...limits });
    state.claim('small', 0);
    state.booted(1, 0);
    return state;
  }

  test('claims stand in order and are told their place', () => {
    const state = full();
    expect(shown(state.claim('small', 1).actions)).toEqual(['queued 2 1']);
    expect(shown(state.claim('large', 1).actions)).toEqual(['queued 3 2']);
    expect(state.occupancy()).toEqual({ ready: 0, booting: 0, used: 1, queued: 2 });
    expect(shown(state.gone(1, 2))).toEqual(['boot 2 small for 2', 'queued 3 1']);
  });

  test('the line is bounded, and so is the wait', () => {
    const state = full();
    state.claim('small', 1);
    state.claim('small', 50);
    expect(shown(state.claim('small', 50).actions)).toEqual(['refuse 4 queue_full']);
    expect(shown(state.tick(101))).toEqual(['refuse 2 waited_too_long', 'queued 3 1']);
    expect(shown(state.withdraw(3, 101))).toEqual([]);
    expect(state.occupancy().queued).toBe(0);
  });

  test('one that needs little does not overtake one that needs much', () => {
    const state = pool([small(0), large(0)]);
    state.claim('large', 0);
    state.booted(1, 0);
    expect(shown(state.claim('large', 1).actions)).toEqual(['queued 2 1']);
    expect(shown(state.claim('small', 1).actions)).toEqual(['queued 3 2']);
  });

  test('what waits for another profile makes room, but only if that is enough', () => {
    const state = pool([small(2), large(0)], { maximum: 2 });
    warmUp(state);
    expect(shown(state.claim('large', 1).actions)).toEqual(['destroy 1', 'queued 1 1']);
    expect(shown(state.gone(1, 2))).toEqual(['boot 3 large for 1']);

    const crowded = pool([small(2), large(0)], { memoryBytes: 700 });
    crowded.claim('large', 0);
    expect(shown(crowded.booted(1, 0))).toEqual(['grant 1 1', 'boot 2 small for later']);
    crowded.booted(2, 0);
    expect(shown(crowded.claim('large', 1).actions)).toEqual(['queued 2 1']);
    expect(crowded.occupancy().ready).toBe(1);
  });
});

describe('ageing', () => {
  test('an old one stays until its successor stands ready', () => {
    const state = pool([small(1)]);
    warmUp(state);
    expect(shown(state.tick(1000))).toEqual(['boot 2 small for later']);
    expect(shown(state.booted(2, 1001))).toEqual(['destroy 1']);
    expect(shown(state.gone(1, 1002))).toEqual([]);
  });

  test('without room for both it goes first', () => {
    const state = pool([small(1)], { maximum: 1 });
    warmUp(state);
    expect(shown(state.tick(1000))).toEqual(['destroy 1']);
    expect(shown(state.gone(1, 1001))).toEqual(['boot 2 small for later']);
  });
});

test('closing ends what waits and what comes up later, and refuses who stands in line', () => {
  const state = pool([small(1)], { maximum: 2 });
  warmUp(state);
  state.claim('small', 0);
  state.checked(1, true, 0);
  expect(state.occupancy().booting).toBe(1);
  expect(shown(state.claim('small', 0).actions)).toEqual([]);
  expect(shown(state.claim('small', 0).actions)).toEqual(['queued 3 1']);
  expect(shown(state.close(1))).toEqual(['refuse 2 closed', 'refuse 3 closed']);
  expect(shown(state.booted(2, 2))).toEqual(['destroy 2']);
  expect(shown(state.claim('small', 3).actions)).toEqual(['refuse 4 closed']);
});
