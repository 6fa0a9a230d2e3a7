import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { runExecution } from './execution.js';
import { encodeCallId, encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { KernelConnection } from './kernel-connection.js';

/** A call under way, and the kernel that works it, for which the test speaks. */
function call() {
  const output = new PassThrough();
  const connection = new KernelConnection({
    input: new Writable({ write: (_chunk, _encoding, done) => done() }),
    output,
    crashText: () => '',
    destroy: () => void output.destroy(),
  });
  const result = runExecution(
    connection,
    { op: 'exec', code: '1' },
    { timeoutMs: 60_000 },
    () => undefined,
    new AbortController().signal,
    () => undefined,
  );
  const sendPicture = (kind: 'image' | 'videoFrame', text: string): void => {
    const type = 'image/png';
    const body = Buffer.concat([Buffer.of(type.length), Buffer.from(type + text)]);
    output.write(encodeFrame(kind, encodeCallId(1), body));
  };
  const finish = (): void => {
    const figures = { durationMs: 1, oomKills: 0, overflows: [], background: [], changes: [] };
    output.write(
      encodeJsonFrame({ type: 'result', id: 1, outcome: 'completed', stateKept: true, ...figures }),
    );
  };
  return { connection, result, sendPicture, finish };
}

test.each([
  ['image', 16, 'images'],
  ['videoFrame', 60, 'videoFrames'],
] as const)('of %ss without end the last %i are kept, however small they are', async (kind, most, field) => {
  const { connection, result, sendPicture, finish } = call();
  for (let number = 0; number < 500; number += 1) sendPicture(kind, String(number));
  finish();
  const kept = (await result)[field].map(({ data }) => Buffer.from(data).toString());
  expect(kept).toHaveLength(most);
  expect(kept.at(-1)).toBe('499');
  connection.close('over');
});
