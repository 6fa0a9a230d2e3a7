import { expect, test } from 'vitest';
import { encodeCallId, encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { AnswerScanner, newTakeOver } from './take-over.js';

const TOKEN = Buffer.alloc(32, 1);

/** What comes after the answer, where the bytes come in these pieces. */
function scanned(answer: Buffer, pieces: readonly Buffer[]): Buffer | undefined {
  const scanner = new AnswerScanner(answer);
  let rest: Buffer | undefined;
  for (const piece of pieces) rest = rest ? Buffer.concat([rest, piece]) : scanner.feed(piece);
  return rest;
}

test('what an earlier host was half told is passed over, wherever the bytes are cut', () => {
  const { answer } = newTakeOver(TOKEN);
  const half = encodeFrame('stdout', encodeCallId(3), Buffer.alloc(90, 120)).subarray(7, 70);
  const rest = encodeJsonFrame({ type: 'ready' });
  const wire = Buffer.concat([half, answer, rest]);
  for (let cut = 0; cut <= wire.length; cut += 1) {
    expect(scanned(answer, [wire.subarray(0, cut), wire.subarray(cut)])).toEqual(rest);
  }
  expect(
    scanned(
      answer,
      [...wire].map((byte) => Buffer.from([byte])),
    ),
  ).toEqual(rest);
});

test('the answer to another request is none, nor is one cut short', () => {
  const { answer } = newTakeOver(TOKEN);
  const other = newTakeOver(TOKEN).answer;
  expect(scanned(answer, [other, answer.subarray(0, -1)])).toBeUndefined();
  expect(scanned(answer, [other, answer.subarray(0, 20), answer])).toEqual(Buffer.alloc(0));
});
