import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Choice, chooseMark } from './choose-mark.js';
import type { Step } from './shorter-marks.js';

type Row = readonly [Step['name'], readonly number[]];

/** Asks until it is told, as the edge does; also says how many counts that took. */
function settle(rows: readonly Row[], current: number, limits = { limit: 100, target: 50, hardLimit: 120 }) {
  const known = new Set<string>();
  const counts = {
    steps: rows.map(([name, tokens]) => ({ name, size: tokens.length })),
    current,
    tokensAt: ({ step, index }: { step: number; index: number }) =>
      known.has(`${step} ${index}`) ? rows[step]?.[1][index] : undefined,
  };
  for (;;) {
    const choice: Choice = chooseMark(counts, limits);
    if (choice.type !== 'count') return { choice, counted: known.size };
    const key = `${choice.place.step} ${choice.place.index}`;
    expect(known.has(key)).toBe(false);
    known.add(key);
  }
}

const takes = (step: number, index: number) => ({ type: 'take', place: { step, index } });

describe('chooseMark', () => {
  test('goes no further within a step than to the target', () => {
    const { choice } = settle([['trim_results', [110, 80, 50, 30, 20]]], 130);
    expect(choice).toEqual(takes(0, 2));
  });

  test('leaves out turns where trimming fits but leaves no room for the next turn', () => {
    const rows: Row[] = [
      ['trim_results', [110, 90]],
      ['leave_out_turns', [80, 45, 10]],
    ];
    expect(settle(rows, 130).choice).toEqual(takes(1, 1));
  });

  test('takes all of a step that fits without reaching the target, rather than touch the turn in work', () => {
    const rows: Row[] = [
      ['leave_out_turns', [120, 90]],
      ['trim_rounds', [40]],
    ];
    expect(settle(rows, 130).choice).toEqual(takes(0, 1));
  });

  test('cuts the newest results only where nothing else fits, and only as far as must be', () => {
    const rows: Row[] = [
      ['leave_out_turns', [140]],
      ['trim_rounds', [130]],
      ['cap_results', [125, 99, 60, 20]],
    ];
    expect(settle(rows, 150).choice).toEqual(takes(2, 1));
  });

  test('gives the answer less room before it gives up', () => {
    expect(settle([['leave_out_turns', [140, 115]]], 150).choice).toEqual(takes(0, 1));
    expect(settle([], 115).choice).toEqual({ type: 'leave' });
    expect(settle([['leave_out_turns', [140, 125]]], 150).choice).toEqual({
      type: 'nothing_fits',
      leastTokens: 125,
    });
  });

  test('counts few of many', () => {
    const tokens = Array.from({ length: 1000 }, (_, index) => 1000 - index);
    const { choice, counted } = settle([['leave_out_turns', tokens]], 1001);
    expect(choice).toEqual(takes(0, 950));
    expect(counted).toBeLessThanOrEqual(11);
  });

  test('takes what fits or says that nothing does, whatever the counts', () => {
    const names: Step['name'][] = [
      'trim_results',
      'leave_out_turns',
      'trim_rounds',
      'leave_out_rounds',
      'cap_results',
    ];
    const tokens = fc
      .array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 })
      .map((some) => some.toSorted((a, b) => b - a));
    const rows = fc
      .subarray(names)
      .chain((some) => fc.tuple(...some.map((name) => fc.tuple(fc.constant(name), tokens))));
    fc.assert(
      fc.property(rows, fc.integer({ min: 101, max: 250 }), (some, current) => {
        const { choice } = settle(some, current);
        const all = some.flatMap(([, row]) => row);
        if (choice.type === 'take') {
          const taken = some[choice.place.step]?.[1][choice.place.index] ?? 0;
          expect(taken).toBeLessThanOrEqual(120);
          if (all.some((least) => least <= 100) && taken > 100)
            expect(
              some
                .filter(([name]) => name !== 'trim_results')
                .flatMap(([, row]) => row)
                .every((least) => least > 100),
            ).toBe(true);
        } else if (choice.type === 'nothing_fits') {
          expect(
            Math.min(current, ...some.filter(([name]) => name !== 'trim_results').flatMap(([, row]) => row)),
          ).toBeGreaterThan(120);
        }
      }),
    );
  });
});
