import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FRAME_KINDS, FrameDecoder, FrameError, encodeFrame, type FrameKind } from './frame-codec.js';

const kinds = Object.keys(FRAME_KINDS) as FrameKind[];

test('what is encoded is decoded, however the bytes are cut', () => {
  const frames = fc.array(
    fc.record({ kind: fc.constantFrom(...kinds), payload: fc.uint8Array({ maxLength: 300 }) }),
  );
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 64 }), (sent, size) => {
      const wire = Buffer.concat(sent.map(({ kind, payload }) => encodeFrame(kind, payload)));
      const decoder = new FrameDecoder();
      const received: { kind: FrameKind; payload: number[] }[] = [];
      for (let start = 0; start < wire.length; start += size) {
        for (const { kind, payload } of decoder.feed(wire.subarray(start, start + size))) {
          received.push({ kind, payload: [...payload] });
        }
      }
      expect(received).toEqual(sent.map(({ kind, payload }) => ({ kind, payload: [...payload] })));
    }),
  );
});

test.each([
  ['a length over the cap', Buffer.from([0xee, 0, 0, 0, FRAME_KINDS.json])],
  ['an unknown kind', Buffer.from([0, 0, 0, 1, 0x5a, 0])],
])('%s is refused from its header on', (_title, wire) => {
  expect(() => [...new FrameDecoder().feed(wire)]).toThrow(FrameError);
});
