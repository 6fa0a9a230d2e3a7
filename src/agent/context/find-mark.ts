import type { ChatMessage } from '../../engine/engine.js';
import type { RunSnapshot } from '../snapshot.js';
import type { ContextBudget } from './budget.js';
import { chooseMark, type Choice, type Place } from './choose-mark.js';
import { applyMark, type ContextMark } from './context-mark.js';
import { shorterMarks, type Step } from './shorter-marks.js';

/** Tokens of a prompt of these messages, with the round's tools. */
export type Counter = (messages: readonly ChatMessage[]) => Promise<number>;

export interface FindTerms {
  readonly budget: ContextBudget;
  /** Tokens of the context as it is. */
  readonly current: number;
  /** To be kept for a summary of what is left out; 0: none is wanted. */
  readonly summaryTokens: number;
  readonly count: Counter;
}

export type Found =
  | {
      readonly type: 'mark';
      readonly mark: ContextMark;
      readonly tokens: number;
      /** 0: the mark leaves out nothing new, or there is no room to say what it was. */
      readonly summaryTokens: number;
    }
  | Extract<Choice, { type: 'leave' | 'nothing_fits' }>;

/** What a template puts around a summary. */
const SUMMARY_FRAME_TOKENS = 32;

/** What of a run's snapshot the search needs. */
export type Conversation = Pick<RunSnapshot, 'messages' | 'context' | 'turnStart'>;

/** With room for a summary, if one is wanted and that can be had; else without. */
export async function findMark(snapshot: Conversation, terms: FindTerms): Promise<Found> {
  const { budget, summaryTokens } = terms;
  const steps = shorterMarks(snapshot.messages, snapshot.context, snapshot.turnStart);
  if (summaryTokens > 0) {
    const summarised = await search(snapshot, steps, {
      ...terms,
      budget: { ...budget, hardLimit: budget.limit },
    });
    if (summarised.type === 'mark') return summarised;
  }
  const kept = steps.map(({ name, marks }) => ({
    name,
    marks: marks.map((mark) => ({ ...mark, summary: mark.summary ?? snapshot.context.summary })),
  }));
  return search(snapshot, kept, { ...terms, summaryTokens: 0 });
}

async function search(
  { messages, context }: Conversation,
  steps: readonly Step[],
  { current, budget, summaryTokens, count }: FindTerms,
): Promise<Found> {
  const known = new Map<string, number>();
  const keyOf = ({ step, index }: Place) => `${step} ${index}`;
  const markAt = ({ step, index }: Place): ContextMark => {
    const mark = steps[step]?.marks[index];
    if (mark === undefined) throw new Error(`There is no mark ${index} in step ${step}.`);
    return mark;
  };
  const wantsSummary = (mark: ContextMark) => summaryTokens > 0 && mark.from > context.from;
  const counts = {
    steps: steps.map(({ name, marks }) => ({ name, size: marks.length })),
    current,
    tokensAt: (place: Place) => known.get(keyOf(place)),
  };
  for (;;) {
    const choice = chooseMark(counts, budget);
    switch (choice.type) {
      case 'count': {
        const mark = markAt(choice.place);
        const extra = wantsSummary(mark) ? summaryTokens + SUMMARY_FRAME_TOKENS : 0;
        known.set(keyOf(choice.place), (await count(applyMark(messages, mark))) + extra);
        break;
      }
      case 'take': {
        const mark = markAt(choice.place);
        const tokens = known.get(keyOf(choice.place)) ?? current;
        return { type: 'mark', mark, tokens, summaryTokens: wantsSummary(mark) ? summaryTokens : 0 };
      }
      case 'leave':
      case 'nothing_fits':
        return choice;
      default:
        return choice satisfies never;
    }
  }
}
