import type { ChatMessage } from '../../engine/engine.js';
import { applyMark, type ContextMark, shownResult } from './context-mark.js';

/** Ways to make a context shorter, each a little more than the one before. */
export interface Step {
  readonly name: 'trim_results' | 'leave_out_turns' | 'trim_rounds' | 'leave_out_rounds' | 'cap_results';
  readonly marks: readonly ContextMark[];
}

/** What is left of each result of the newest round, in characters, where even they must be cut. */
const CAPS = [4000, 2000, 1000, 500, 250];

interface Turns {
  readonly messages: readonly ChatMessage[];
  readonly mark: ContextMark;
  /** Where the turn in work begins. */
  readonly turnStart: number;
  /** Where its newest round begins; the end, where it has none. */
  readonly roundStart: number;
}

/**
 * Every shorter view of the conversation, in the order to try them: old results are trimmed, then old turns left out,
 * then results and rounds of the turn in work, oldest first throughout, and last of all its newest results cut. A call
 * and its result go together. `summary` is null in each mark that leaves out more than `mark` does.
 */
export function shorterMarks(
  messages: readonly ChatMessage[],
  mark: ContextMark,
  turnStart: number,
): readonly Step[] {
  const lastCall = messages.findLastIndex(
    (message) => message.role === 'assistant' && message.toolCalls.length > 0,
  );
  const turns = { messages, mark, turnStart, roundStart: lastCall < turnStart ? messages.length : lastCall };
  const onlyTurn = leaveOut(turns, turnStart, turnStart);
  const onlyRound = leaveOut(turns, turns.roundStart, turns.roundStart);
  const trimmed = { ...onlyTurn, trimmedBefore: Math.max(onlyTurn.trimmedBefore, turns.roundStart) };
  const steps: Step[] = [
    { name: 'trim_results', marks: trimResults(turns, mark, turnStart) },
    { name: 'leave_out_turns', marks: leaveOutTurns(turns) },
    { name: 'trim_rounds', marks: trimResults(turns, onlyTurn, turns.roundStart) },
    { name: 'leave_out_rounds', marks: leaveOutRounds(turns) },
    { name: 'cap_results', marks: capResults(turns, trimmed) },
    { name: 'cap_results', marks: capResults(turns, onlyRound) },
  ];
  return steps.filter((step) => step.marks.length > 0);
}

/** The turn in work as it stands now, kept whole; the view before it goes up to `from`. */
function leaveOut({ mark, turnStart }: Turns, from: number, trimmedBefore: number): ContextMark {
  if (from <= mark.from) return { ...mark, trimmedBefore: Math.max(mark.trimmedBefore, trimmedBefore) };
  return {
    ...mark,
    from,
    askedFrom: from > turnStart ? turnStart : null,
    trimmedBefore: Math.max(mark.trimmedBefore, trimmedBefore),
    summary: null,
  };
}

/** One more result each, up to `end`. */
function trimResults({ messages }: Turns, start: ContextMark, end: number): ContextMark[] {
  return messages.flatMap((message, place) => {
    if (message.role !== 'tool' || place < start.from || place < start.trimmedBefore || place >= end)
      return [];
    const trimmed = { ...start, trimmedBefore: place + 1 };
    return shownResult(message, place, trimmed) === shownResult(message, place, start) ? [] : [trimmed];
  });
}

function leaveOutTurns(turns: Turns): ContextMark[] {
  const { messages, mark, turnStart } = turns;
  return messages.flatMap((message, place) =>
    place > mark.from && place <= turnStart && (message.role === 'user' || place === turnStart)
      ? [leaveOut(turns, place, turnStart)]
      : [],
  );
}

function leaveOutRounds(turns: Turns): ContextMark[] {
  const { messages, mark, turnStart, roundStart } = turns;
  return messages.flatMap((message, place) =>
    place > Math.max(mark.from, turnStart + 1) && place <= roundStart && message.role === 'assistant'
      ? [leaveOut(turns, place, roundStart)]
      : [],
  );
}

function capResults({ messages, roundStart }: Turns, start: ContextMark): ContextMark[] {
  const end = messages.length;
  if (!messages.some((message, place) => message.role === 'tool' && place > roundStart)) return [];
  const harder = CAPS.filter((cap) => start.cappedBefore <= roundStart || cap < start.capCharacters);
  return [
    ...harder.map((capCharacters) => ({ ...start, cappedBefore: end, capCharacters })),
    { ...start, trimmedBefore: end },
  ].filter((mark) => differs(applyMark(messages, mark), applyMark(messages, start)));
}

function differs(a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean {
  return a.some((message, index) => message.role === 'tool' && message.content !== b[index]?.content);
}
