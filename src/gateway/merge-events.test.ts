import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GantryEvent } from '../events/event.js';
import type { WireEvent } from './frames.js';
import { mergeEvents } from './merge-events.js';
import { chunkEvent } from './scripted-gateway.js';

function mergeAll(events: readonly GantryEvent[]): WireEvent[] {
  const merged: WireEvent[] = [];
  for (const event of events) {
    const last = merged.at(-1);
    const joined = last === undefined ? undefined : mergeEvents(last, event);
    if (joined === undefined) merged.push(event);
    else merged[merged.length - 1] = joined;
  }
  return merged;
}

function textOf(events: readonly WireEvent[], key: 'content' | 'reasoning_content'): string {
  return events.map((event) => (event.type === 'chunk' ? (event.choices[0]?.delta[key] ?? '') : '')).join('');
}

describe('mergeEvents', () => {
  test('joins chunks that touch and says which seqs it stands for', () => {
    const [first, second] = [chunkEvent(4, 10, 'ab'), chunkEvent(5, 12, 'c')];
    expect(mergeEvents(first, second)).toMatchObject({ first_seq: 4, seq: 5, ts: 5, offset: 10 });
    expect(textOf(mergeAll([first, second]), 'content')).toBe('abc');
  });

  test.each([
    ['a gap in seq', chunkEvent(6, 12, 'c')],
    ['a gap in offset', chunkEvent(5, 13, 'c')],
    ['an overlap', chunkEvent(5, 11, 'c')],
    ['another session', chunkEvent(5, 12, 'c', 'sess_2')],
    ['another run', { ...chunkEvent(5, 12, 'c'), run_id: 'run_2' }],
    ['another attempt', { ...chunkEvent(5, 12, 'c'), attempt: 1 } as GantryEvent],
  ])('keeps apart over %s', (_, next) => {
    expect(mergeEvents(chunkEvent(4, 10, 'ab'), next)).toBeUndefined();
  });

  test('a finish reason is never swallowed', () => {
    const end = { ...chunkEvent(5, 12, ''), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    expect(mergeEvents(chunkEvent(4, 10, 'ab'), end as GantryEvent)).toBeUndefined();
  });

  test('merging any stream keeps its text and its seqs', () => {
    const piece = fc.record({
      text: fc.string({ maxLength: 5 }),
      key: fc.constantFrom('content' as const, 'reasoning_content' as const),
      other: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const offsets = { content: 0, reasoning_content: 0 };
        const events = pieces.map(({ text, key, other }, index): GantryEvent => {
          const seq = index + 1;
          if (other)
            return {
              type: 'run_queued',
              position: 0,
              seq,
              session_id: 'sess_1',
              run_id: null,
              ts: 0,
            };
          const offset = offsets[key];
          offsets[key] += text.length;
          const event = chunkEvent(seq, offset, '');
          return {
            ...event,
            choices: [{ index: 0, delta: { [key]: text }, finish_reason: null }],
          } as GantryEvent;
        });
        const merged = mergeAll(events);
        for (const key of ['content', 'reasoning_content'] as const)
          expect(textOf(merged, key)).toBe(textOf(events, key));
        const covered = merged.flatMap((event) =>
          Array.from(
            { length: event.seq - (event.first_seq ?? event.seq) + 1 },
            (_, index) => (event.first_seq ?? event.seq) + index,
          ),
        );
        expect(covered).toEqual(events.map((event) => event.seq));
      }),
    );
  });
});
