import { expect, test } from 'vitest';
import { limitsOf, refusedByCount } from './limits.js';
import type { CallSnapshot } from './snapshot.js';
import { snapshotOf } from './snapshot.fixture.js';

const calls = [0, 1, 2].map((index): CallSnapshot => ({
  id: `call_${index}`,
  parentId: null,
  round: 1,
  index,
  name: 'python',
  arguments: '{}',
  state: 'proposed',
  attempt: 0,
  resultContent: null,
}));
const limits = limitsOf({ options: { max_tool_calls: 5 } }, { maxToolRounds: 10, toolTimeoutMs: 1000 });
/** The places of those that are refused in a round that is counted already. */
const refused = (toolCallCount: number) =>
  calls
    .filter((call) => refusedByCount(call, snapshotOf({ calls, toolCallCount }), limits))
    .map((c) => c.index);

test('the calls of a turn are refused from the first that the run has no room for', () => {
  expect([3, 5, 6, 7, 8].map(refused)).toEqual([[], [], [2], [1, 2], [0, 1, 2]]);
});

test('calls that the code of one has made do not take the room of those after it', () => {
  const withNested = snapshotOf({ calls, toolCallCount: calls.length + 2 });
  expect(calls.map((call) => refusedByCount(call, withNested, limits))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a call of a person is none of those that are counted', () => {
  const own = snapshotOf({ kind: 'tool', calls: calls.slice(0, 1), toolCallCount: 0 });
  expect(calls.slice(0, 1).map((call) => refusedByCount(call, own, { ...limits, maxToolCalls: 0 }))).toEqual([
    undefined,
  ]);
});
