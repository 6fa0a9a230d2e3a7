import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentProbe } from './content-probe.js';
import { rechunk } from './rechunk.js';

const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });

async function collect(content: Uint8Array | AsyncIterable<Uint8Array>, size: number): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of rechunk(content, size)) all.push(piece);
  return all;
}

async function* stream(given: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* given;
}

describe('rechunk', () => {
  it('gives the same bytes in equal pieces, however they came', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 64 }), async (given, size) => {
        const whole = Buffer.concat(given);
        for (const content of [stream(given), whole]) {
          const result = await collect(content, size);
          expect(Buffer.concat(result).equals(whole)).toBe(true);
          expect(result.slice(0, -1).every((piece) => piece.length === size)).toBe(true);
          expect(result.every((piece) => piece.length > 0)).toBe(true);
        }
      }),
    );
  });
});

describe('ContentProbe', () => {
  it('finds digest, size and UTF-8 wherever the pieces are cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((given) => Buffer.from(given));
    fc.assert(
      fc.property(
        fc.oneof(text, fc.uint8Array({ maxLength: 60 })),
        fc.integer({ min: 1, max: 7 }),
        (bytes, size) => {
          const probe = new ContentProbe();
          for (let at = 0; at < bytes.length; at += size) probe.add(bytes.subarray(at, at + size));
          const valid = Buffer.from(Buffer.from(bytes).toString('utf8')).equals(bytes) && !bytes.includes(0);
          expect(probe.finish()).toEqual({
            sha256: createHash('sha256').update(bytes).digest(),
            bytes: bytes.length,
            isUtf8: valid,
          });
        },
      ),
    );
  });

  it('takes a character cut off at the end for what it is', () => {
    const probe = new ContentProbe();
    probe.add(Buffer.from('é').subarray(0, 1));
    expect(probe.finish().isUtf8).toBe(false);
  });
});
