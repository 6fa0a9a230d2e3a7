import { expect, test } from 'vitest';
import { FencedError } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import { commitFenced, LandedCommitError } from './commit-fenced.js';

const scope = { runId: 'run_1', sessionId: 'sess_1', generation: 1 };
const cutOff = () => Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });

/** A log whose transactions end as told, one after another; then they succeed. */
function logThat(...ends: (() => Error)[]): EventLog {
  const transaction = async (): Promise<string> => {
    const end = ends.shift();
    if (end) throw end();
    return 'committed';
  };
  return { transaction } as unknown as EventLog;
}

const commit = (log: EventLog) => commitFenced(log, scope, () => Promise.resolve('committed'));

test('a commit that was cut off is tried again', async () => {
  await expect(commit(logThat(cutOff, cutOff))).resolves.toBe('committed');
});

test('a repetition that does not fit says that the first may have landed', async () => {
  const duplicate = () => Object.assign(new Error('duplicate key'), { code: '23505' });
  await expect(commit(logThat(cutOff, duplicate))).rejects.toBeInstanceOf(LandedCommitError);
  await expect(commit(logThat(duplicate))).rejects.toThrow('duplicate key');
});

test('a fence stays a fence', async () => {
  const fenced = () => new FencedError('run_1');
  await expect(commit(logThat(fenced))).rejects.toBeInstanceOf(FencedError);
  await expect(commit(logThat(cutOff, fenced))).rejects.toBeInstanceOf(FencedError);
});
