import { expect, test } from 'vitest';
import { executeCalls } from './execute-calls.js';
import type { CallSnapshot } from './snapshot.js';
import { snapshotOf } from './snapshot.fixture.js';

function call(id: string): CallSnapshot {
  return {
    id,
    parentId: null,
    round: 0,
    index: 0,
    name: 'python',
    arguments: '{}',
    state: 'approved',
    attempt: 0,
    resultContent: null,
  };
}

test('serial calls go one after the other, and none begins after an abort', async () => {
  const stop = new AbortController();
  const ran: string[] = [];
  const tools = {
    isSerial: () => true,
    execute: async ({ id }: CallSnapshot) => {
      ran.push(id);
      if (id === 'call_2') stop.abort();
    },
  };
  const calls = ['call_1', 'call_2', 'call_3'].map(call);
  await executeCalls(tools, calls, snapshotOf({ calls }), stop.signal);
  expect(ran).toEqual(['call_1', 'call_2']);
});
