import { expect, test } from 'vitest';
import { workRun } from './loop.js';
import type { RunPorts } from './ports.js';
import { snapshotOf } from './snapshot.fixture.js';
import type { RunSnapshot } from './snapshot.js';

const SERVER = { maxToolRounds: 25, toolTimeoutMs: 1000 };
const answered = snapshotOf({ turnCommitted: true, finishReason: 'stop' });
const steered: RunSnapshot = { ...answered, steering: [{ id: 'msg_1', text: 'and hurry' }] };

test('a run that is steered while it ends goes on', async () => {
  const snapshots = [answered, steered, answered];
  const steps: string[] = [];
  const ends = [false, true];
  const journal = {
    load: () => Promise.resolve(snapshots.shift()),
    finish: () => {
      steps.push('finish');
      return Promise.resolve(ends.shift());
    },
    advanceRound: () => Promise.resolve(void steps.push('advance')),
  };
  const ports = { journal, tools: {}, now: () => 0 } as unknown as RunPorts;
  expect(await workRun(ports, SERVER, new AbortController().signal)).toBe('finished');
  expect(steps).toEqual(['finish', 'advance', 'finish']);
});
