import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { large, LIMITS, pool, small } from '../../../test/support/pool-fixture.js';
import type { PoolAction } from './pool-action.js';

/** What has to hold whatever happens, in whatever order. */
class Model {
  readonly live = new Map<number, { profile: string; state: 'booting' | 'ready' | 'used' | 'ending' }>();
  readonly open = new Map<number, string>();
  readonly granted = new Set<number>();
  readonly ended = new Set<number>();

  take(actions: readonly PoolAction[]): void {
    for (const action of actions) {
      if (action.type === 'boot') this.live.set(action.kernel, { profile: action.profile, state: 'booting' });
      else if (action.type === 'destroy') this.#change(action.kernel, 'ending');
      else if (action.type === 'grant') this.#grant(action.claim, action.kernel);
      else if (action.type === 'refuse') expect(this.open.delete(action.claim)).toBe(true);
    }
    const sizes: Record<string, number> = { small: 100, large: 600 };
    const memory = [...this.live.values()].reduce((sum, { profile }) => sum + (sizes[profile] ?? 0), 0);
    expect(this.live.size).toBeLessThanOrEqual(LIMITS.maximum);
    expect(memory).toBeLessThanOrEqual(LIMITS.memoryBytes);
  }

  #grant(claim: number, kernel: number): void {
    expect(this.granted.has(kernel)).toBe(false);
    expect(this.live.get(kernel)?.profile).toBe(this.open.get(claim));
    expect(['booting', 'ready']).toContain(this.live.get(kernel)?.state);
    expect(this.open.delete(claim)).toBe(true);
    this.granted.add(kernel);
    this.#change(kernel, 'used');
  }

  #change(kernel: number, state: 'used' | 'ending'): void {
    const live = this.live.get(kernel);
    if (live !== undefined) live.state = state;
  }
}

test('whatever happens: within bounds, each claim answered once, no sandbox given twice', () => {
  const step = fc.tuple(
    fc.constantFrom(
      'claim small',
      'claim large',
      'boot',
      'fail',
      'well',
      'sick',
      'gone',
      'lost',
      'withdraw',
      'wait',
    ),
    fc.nat(5),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = pool([small(1), large(1)]);
      const model = new Model();
      const checking = new Set<number>();
      let now = 0;
      const see = (actions: readonly PoolAction[]): void => {
        for (const action of actions) if (action.type === 'check') checking.add(action.kernel);
        model.take(actions);
      };
      const pick = (ids: readonly number[], index: number): number | undefined => ids[index % ids.length];
      const inState = (...states: string[]): number[] =>
        [...model.live].filter(([, live]) => states.includes(live.state)).map(([id]) => id);
      for (const [what, index] of steps) {
        now += 7;
        if (what.startsWith('claim')) {
          const { claim, actions } = state.claim(what.slice(6), now);
          model.open.set(claim, what.slice(6));
          see(actions);
        } else if (what === 'boot' || what === 'fail') {
          const id = pick(inState('booting'), index);
          if (id === undefined) continue;
          if (what === 'boot') Object.assign(model.live.get(id) ?? {}, { state: 'ready' });
          else model.live.delete(id);
          see(what === 'boot' ? state.booted(id, now) : state.bootFailed(id, now));
        } else if (what === 'well' || what === 'sick') {
          const id = pick([...checking], index);
          if (id === undefined) continue;
          checking.delete(id);
          see(state.checked(id, what === 'well', now));
        } else if (what === 'gone' || what === 'lost') {
          const id = pick(inState('ready', 'used', 'ending'), index);
          if (id === undefined) continue;
          Object.assign(model.live.get(id) ?? {}, { state: 'ending' });
          see(state.lost(id, now));
          if (what === 'lost') continue;
          model.live.delete(id);
          see(state.gone(id, now));
        } else if (what === 'withdraw') {
          const id = pick([...model.open.keys()], index);
          if (id === undefined) continue;
          model.open.delete(id);
          see(state.withdraw(id, now));
        } else {
          now += 60;
          see(state.tick(now));
        }
      }
      see(state.close(now));
      expect(model.open.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});
