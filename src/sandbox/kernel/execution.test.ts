import { PassThrough, Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { OutputSink } from '../sandbox.js';
import { runExecution } from './execution.js';
import { encodeCallId, encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { KernelConnection } from './kernel-connection.js';

/** A call under way, and the kernel that works it, for which the test speaks. */
function call(onOutput: OutputSink = () => undefined) {
  const output = new PassThrough();
  const abort = new AbortController();
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
    onOutput,
    abort.signal,
    () => undefined,
  );
  const sendPicture = (kind: 'image' | 'videoFrame', text: string): void => {
    const type = 'image/png';
    const body = Buffer.concat([Buffer.of(type.length), Buffer.from(type + text)]);
    output.write(encodeFrame(kind, encodeCallId(1), body));
  };
  /** In one piece: the end is known as soon as the output is. */
  const finish = (printed = ''): void => {
    const figures = { durationMs: 1, oomKills: 0, overflows: [], background: [], changes: [] };
    const end = { type: 'result', id: 1, outcome: 'completed', stateKept: true, ...figures };
    const text = encodeFrame('stdout', encodeCallId(1), Buffer.from(printed));
    output.write(Buffer.concat([text, encodeJsonFrame(end)]));
  };
  return { connection, result, abort, sendPicture, finish };
}

afterEach(() => vi.useRealTimers());

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

describe('a call that has ended in its sandbox while what it printed is on its way', () => {
  /** The sink has what was printed, and takes it when the test says so. */
  async function endedCall() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const arrived = Promise.withResolvers<void>();
    const delivered = Promise.withResolvers<void>();
    const { connection, result, abort, finish } = call(() => {
      arrived.resolve();
      return delivered.promise;
    });
    finish('much');
    await arrived.promise;
    return { connection, result, abort, delivered };
  }

  function expectSandboxKept(connection: KernelConnection): void {
    vi.advanceTimersByTime(60_000);
    expect(connection.lostBecause).toBeUndefined();
    connection.close('over');
  }

  test('is not interrupted any more: its sandbox would be destroyed for not answering', async () => {
    const { connection, result, abort, delivered } = await endedCall();
    abort.abort();
    delivered.resolve();
    expect((await result).outcome).toBe('completed');
    expectSandboxKept(connection);
  });

  test('may fail to deliver it, and its sandbox is kept', async () => {
    const { connection, result, delivered } = await endedCall();
    delivered.reject(new Error('nobody listens'));
    await expect(result).rejects.toThrow('nobody listens');
    expectSandboxKept(connection);
  });
});
