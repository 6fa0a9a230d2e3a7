import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admission,
  BREAKER_LIMITS,
  type BreakerEvent,
  type BreakerState,
  CLOSED,
  transition,
} from './breaker.js';

const EVENTS: readonly BreakerEvent[] = [
  'succeeded',
  'failed',
  'probe_started',
  'probe_answered',
  'probe_failed',
  'probe_abandoned',
];
/** Mostly failures, or it hardly ever opens. */
const event = fc.oneof(
  { weight: 2, arbitrary: fc.constant<BreakerEvent>('failed') },
  { weight: 1, arbitrary: fc.constantFrom(...EVENTS) },
);
const story = fc.array(fc.tuple(event, fc.nat(20_000)), { maxLength: 60 });

interface Moment {
  readonly before: BreakerState;
  readonly event: BreakerEvent;
  readonly now: number;
  readonly after: BreakerState;
}

function tell(steps: readonly (readonly [BreakerEvent, number])[]): Moment[] {
  let now = 0;
  let before = CLOSED;
  return steps.map(([event, pause]) => {
    now += pause;
    const after = transition(before, event, now, BREAKER_LIMITS);
    const moment = { before, event, now, after };
    before = after;
    return moment;
  });
}

const after = (breaker: BreakerState, now: number, ...events: readonly BreakerEvent[]): BreakerState =>
  events.reduce((state, event) => transition(state, event, now, BREAKER_LIMITS), breaker);

describe('a breaker', () => {
  test('opens at the fifth failure without a success between, for 30 s', () => {
    const four = after(CLOSED, 7, 'failed', 'failed', 'failed', 'failed');
    expect(four).toEqual({ state: 'closed', failures: 4 });
    expect(after(four, 7, 'succeeded', 'failed')).toEqual({ state: 'closed', failures: 1 });
    const open = after(four, 7, 'failed');
    expect(open).toEqual({ state: 'open', until: 30_007 });
    expect(admission(open, 30_006)).toEqual({ type: 'refused', waitMs: 1 });
    expect(admission(open, 30_007)).toEqual({ type: 'probe' });
  });

  test('lets one probe through, which decides', () => {
    const probing = after({ state: 'open', until: 0 }, 5, 'probe_started');
    expect(admission(probing, 5)).toEqual({ type: 'refused', waitMs: undefined });
    expect(after(probing, 5, 'probe_failed')).toEqual({ state: 'open', until: 30_005 });
    expect(after(probing, 5, 'probe_abandoned')).toEqual({ state: 'open', until: 5 });
    expect(after(probing, 5, 'probe_answered', 'succeeded')).toEqual(CLOSED);
    expect(after(probing, 5, 'probe_answered', 'failed')).toEqual({ state: 'open', until: 30_005 });
  });

  test('while it is not closed, hears nothing of generations that had begun before', () => {
    for (const breaker of [{ state: 'open', until: 9 }, { state: 'half_open' }] as const) {
      expect(after(breaker, 0, 'failed', 'succeeded')).toBe(breaker);
    }
  });

  test('counts fewer failures than open it, whatever happens', () => {
    fc.assert(
      fc.property(story, (steps) => {
        for (const { after: state } of tell(steps)) {
          if (state.state === 'closed') expect(state.failures).toBeLessThan(BREAKER_LIMITS.failures);
        }
      }),
    );
  });

  test('opens by failures only, and never for longer than from now', () => {
    fc.assert(
      fc.property(story, (steps) => {
        for (const { before, event, now, after: state } of tell(steps)) {
          if (state === before || state.state !== 'open') continue;
          expect(['failed', 'probe_failed', 'probe_abandoned']).toContain(event);
          expect(state.until).toBeLessThanOrEqual(now + BREAKER_LIMITS.openMs);
        }
      }),
    );
  });

  test('closes from open only through a probe, which begins when its time has come', () => {
    fc.assert(
      fc.property(story, (steps) => {
        for (const { before, event, now, after: state } of tell(steps)) {
          if (before.state === 'open' && state !== before) {
            expect([event, state.state, now >= before.until]).toEqual(['probe_started', 'half_open', true]);
          }
          if (before.state === 'half_open' && state.state === 'closed') expect(event).toBe('probe_answered');
        }
      }),
    );
  });

  test('always lets somebody through again once what is under way has ended', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const last = tell(steps).at(-1);
        const ended = transition(last?.after ?? CLOSED, 'probe_abandoned', last?.now ?? 0, BREAKER_LIMITS);
        expect(admission(ended, (last?.now ?? 0) + BREAKER_LIMITS.openMs).type).not.toBe('refused');
      }),
    );
  });
});
