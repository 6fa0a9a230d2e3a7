import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStreamDecoder, type ServerSentEvent } from './event-stream-decoder.js';

function decode(pieces: readonly Uint8Array[], maxEventChars = 1000): ServerSentEvent[] {
  const decoder = new EventStreamDecoder(maxEventChars);
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const line = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, ' ')}`),
  fc.constantFrom('data', 'data:', 'event: error', ': comment', 'id: 1', 'retry: 5', 'dat', 'unknown: x', ''),
);
const stream = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.array(fc.tuple(line, lineEnd)), fc.constantFrom('', 'data: cut'))
  .map(([mark, lines, rest]) => Buffer.from(mark + lines.flat().join('') + rest));

describe('EventStreamDecoder', () => {
  test('gives the same events however the bytes are split', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => {
        expect(decode(split(bytes, cuts))).toEqual(decode([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  test('gives the same events of broken UTF-8 however it is split', () => {
    const bytes = fc
      .uint8Array({ maxLength: 12 })
      .map((noise) => Buffer.concat([Buffer.from('data: '), noise]));
    fc.assert(
      fc.property(bytes, (one) => {
        const singly = Array.from(one, (byte) => Uint8Array.of(byte));
        expect(decode(singly)).toEqual(decode([one]));
      }),
    );
  });

  test('tells an event that the end of the stream may have cut', () => {
    expect(decode([Buffer.from('data: a\n\nevent: x\ndata: b\ndata: c')])).toEqual([
      { name: undefined, data: 'a', whole: true },
      { name: 'x', data: 'b\nc', whole: false },
    ]);
  });

  test('refuses an event beyond its bound, in one line or in many, but not a long comment', () => {
    const long = (text: string) => () => decode([Buffer.from(text), Buffer.from('x')], 100);
    expect(long(`data: ${'x'.repeat(101)}`)).toThrow('more than 100 characters');
    expect(long('data: 0123456789\n'.repeat(11))).toThrow('more than 100 characters');
    expect(long(`:${'x'.repeat(101)}`)).not.toThrow();
  });
});
