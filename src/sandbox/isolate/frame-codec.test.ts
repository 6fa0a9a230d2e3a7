import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES } from './frame-codec.js';

describe('frame codec', () => {
  it('restores frames from any cutting of the stream', () => {
    const bytes = Buffer.concat([
      encodeFrame({ type: 'a', text: 'ä'.repeat(50) }),
      encodeFrame({ type: 'b' }, Buffer.from([0, 255, 7])),
      encodeFrame({ type: 'c' }),
    ]);
    for (const size of [1, 2, 7, 64, bytes.byteLength]) {
      const decoder = new FrameDecoder();
      const frames = [];
      for (let at = 0; at < bytes.byteLength; at += size)
        frames.push(...decoder.push(bytes.subarray(at, at + size)));
      expect(frames.map((frame) => (frame.header as { type: string }).type)).toEqual(['a', 'b', 'c']);
      expect([...(frames[1]?.body ?? [])]).toEqual([0, 255, 7]);
    }
  });

  it('refuses an announced length over the cap before the bytes come', () => {
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32BE(MAX_FRAME_BYTES + 1, 0);
    expect(() => new FrameDecoder().push(prefix)).toThrow('oversized');
  });

  it('refuses a header longer than its frame, and a header that is not JSON', () => {
    const long = Buffer.alloc(8);
    long.writeUInt32BE(2, 0);
    long.writeUInt32BE(3, 4);
    expect(() => new FrameDecoder().push(long)).toThrow('malformed');
    const garbage = encodeFrame({ a: 1 });
    garbage[8] = 0x21;
    expect(() => new FrameDecoder().push(garbage)).toThrow();
  });
});
