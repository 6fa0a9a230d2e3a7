import { expect, test } from 'vitest';
import {
  IllegalResidentTransition,
  nextResidentState,
  type ResidentEvent,
  type ResidentState,
} from './resident-state.js';

const STATES: Readonly<Record<ResidentState['type'], ResidentState>> = {
  loading: { type: 'loading', phase: 'read', progress: 0.5, bytes: { done: 1, total: 2 } },
  ready: { type: 'ready' },
  unloading: { type: 'unloading' },
  failed: { type: 'failed', message: 'It broke.' },
  gone: { type: 'gone' },
};
const EVENTS: Readonly<Record<ResidentEvent['type'], ResidentEvent>> = {
  progressed: { type: 'progressed', phase: 'context', progress: 0 },
  loaded: { type: 'loaded' },
  failed: { type: 'failed', message: 'It broke.', hint: 'Mend it.' },
  unload: { type: 'unload' },
  closed: { type: 'closed' },
};

const LEGAL: Readonly<
  Record<ResidentState['type'], Partial<Record<ResidentEvent['type'], ResidentState['type']>>>
> = {
  loading: { progressed: 'loading', loaded: 'ready', failed: 'failed', unload: 'unloading' },
  // Its host process died and is started again, or for the last time.
  ready: { progressed: 'loading', loaded: 'ready', failed: 'failed', unload: 'unloading' },
  failed: { unload: 'unloading' },
  unloading: { closed: 'gone' },
  gone: {},
};

const CASES = Object.values(STATES).flatMap((state) =>
  Object.values(EVENTS).map((event) => [state, event] as const),
);

test.each(CASES)('%o, %o', (state, event) => {
  const next = LEGAL[state.type][event.type];
  if (next === undefined) expect(() => nextResidentState(state, event)).toThrow(IllegalResidentTransition);
  else expect(nextResidentState(state, event).type).toBe(next);
});

test('a load tells its phase and the bytes of it, and a failure what can be done', () => {
  const reading = nextResidentState(STATES.loading, EVENTS.progressed);
  expect(reading).toEqual({ type: 'loading', phase: 'context', progress: 0 });
  expect(nextResidentState(reading, EVENTS.failed)).toEqual(EVENTS.failed);
});
