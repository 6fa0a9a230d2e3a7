import type { ContextBudget } from './budget.js';
import type { Step } from './shorter-marks.js';

/** One of the marks that a context could be given. */
export interface Place {
  readonly step: number;
  readonly index: number;
}

export type Choice =
  /** Its tokens must be known first. */
  | { readonly type: 'count'; readonly place: Place }
  | { readonly type: 'take'; readonly place: Place }
  /** Nothing fits but what there is, with less left for the answer than wished. */
  | { readonly type: 'leave' }
  | { readonly type: 'nothing_fits'; readonly leastTokens: number };

/** What the choice depends on. Within a step each mark takes no more tokens than the one before. */
export interface Counts {
  readonly steps: readonly { readonly name: Step['name']; readonly size: number }[];
  /** Of the context as it is. */
  readonly current: number;
  /** Undefined: not counted yet. */
  tokensAt(place: Place): number | undefined;
}

type Limits = Pick<ContextBudget, 'limit' | 'target' | 'hardLimit'>;

/** The first step that brings the context down far enough, and of it the mark that leaves out least. Pure and total. */
export function chooseMark(counts: Counts, limits: Limits): Choice {
  for (const [step, { name, size }] of counts.steps.entries()) {
    const deepest = { step, index: size - 1 };
    const least = counts.tokensAt(deepest);
    if (least === undefined) return { type: 'count', place: deepest };
    const ceiling = name === 'cap_results' ? limits.limit : limits.target;
    if (least <= ceiling) return firstWithin(counts, deepest, ceiling);
    // Trimming is not enough where it leaves so little room that the next turn would have to do more.
    if (name !== 'trim_results' && least <= limits.limit) return { type: 'take', place: deepest };
  }
  return chooseTight(counts, limits);
}

/** Halving: every place below `deepest` that is known to be too long is passed over. */
function firstWithin(counts: Counts, deepest: Place, ceiling: number): Choice {
  let tooLong = -1;
  let within = deepest.index;
  while (within - tooLong > 1) {
    const place = { step: deepest.step, index: Math.floor((tooLong + within) / 2) };
    const tokens = counts.tokensAt(place);
    if (tokens === undefined) return { type: 'count', place };
    if (tokens <= ceiling) within = place.index;
    else tooLong = place.index;
  }
  return { type: 'take', place: { step: deepest.step, index: within } };
}

/** Nothing leaves the wished room for the answer: better a short one than none. All deepest places are counted by now. */
function chooseTight(counts: Counts, { hardLimit }: Limits): Choice {
  const deepest = counts.steps.map(({ name, size }, step) => {
    const place = { step, index: size - 1 };
    return { name, place, tokens: counts.tokensAt(place) ?? Number.POSITIVE_INFINITY };
  });
  const taken = deepest.find(({ name, tokens }) => name !== 'trim_results' && tokens <= hardLimit);
  if (taken !== undefined) return { type: 'take', place: taken.place };
  if (counts.current <= hardLimit) return { type: 'leave' };
  return {
    type: 'nothing_fits',
    leastTokens: Math.min(counts.current, ...deepest.map(({ tokens }) => tokens)),
  };
}
