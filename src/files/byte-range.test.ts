import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseByteRange } from './byte-range.js';

describe('parseByteRange', () => {
  it.each([
    [undefined, 10, { kind: 'whole' }],
    ['bytes=0-3', 10, { kind: 'part', start: 0, end: 4 }],
    ['bytes=4-', 10, { kind: 'part', start: 4, end: 10 }],
    ['bytes=4-999', 10, { kind: 'part', start: 4, end: 10 }],
    ['bytes=-3', 10, { kind: 'part', start: 7, end: 10 }],
    ['bytes=-99', 10, { kind: 'part', start: 0, end: 10 }],
    ['bytes=-0', 10, { kind: 'unsatisfiable' }],
    ['bytes=10-', 10, { kind: 'unsatisfiable' }],
    ['bytes=0-', 0, { kind: 'unsatisfiable' }],
    ['bytes=-5', 0, { kind: 'unsatisfiable' }],
    ['bytes=5-2', 10, { kind: 'whole' }],
    ['bytes=-', 10, { kind: 'whole' }],
    ['bytes=0-1,3-4', 10, { kind: 'whole' }],
    ['items=0-1', 10, { kind: 'whole' }],
    ['bytes=a-b', 10, { kind: 'whole' }],
    [`bytes=${'9'.repeat(400)}-`, 10, { kind: 'unsatisfiable' }],
    [`bytes=0-${'9'.repeat(400)}`, 10, { kind: 'part', start: 0, end: 10 }],
  ] as const)('%s of %i bytes', (header, size, expected) => {
    expect(parseByteRange(header, size)).toEqual(expected);
  });

  it('never leaves the content, whatever is asked', () => {
    const header = fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,20}-\d{0,20}$/));
    fc.assert(
      fc.property(header, fc.nat(), (text, size) => {
        const range = parseByteRange(text, size);
        if (range.kind !== 'part') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.end).toBeLessThanOrEqual(size);
      }),
    );
  });
});
