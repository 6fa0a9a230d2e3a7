import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../engine/engine.js';
import { applyMark, type ContextMark, WHOLE_CONTEXT } from './context-mark.js';
import { answered, asked, round, splitPairs, SYSTEM, turn } from './conversation.fixture.js';
import { shorterMarks } from './shorter-marks.js';

const LONG = 'x'.repeat(3000);
const history: ChatMessage[] = [SYSTEM, ...turn('1', LONG), ...turn('2', LONG)];
const working = [...history, asked('question 3'), ...round('3a', LONG), ...round('3b', LONG, LONG)];
const turnStart = history.length;

const namesOf = (messages: readonly ChatMessage[], mark = WHOLE_CONTEXT) =>
  shorterMarks(messages, mark, turnStart).map(({ name, marks }) => [name, marks.length]);

function deepest(
  messages: readonly ChatMessage[],
  step: string,
  mark = WHOLE_CONTEXT,
): readonly ChatMessage[] {
  const marks = shorterMarks(messages, mark, turnStart).find(({ name }) => name === step)?.marks;
  return applyMark(messages, marks?.at(-1) ?? mark);
}

const lengths = (messages: readonly ChatMessage[]) =>
  messages.flatMap((message) => (message.role === 'tool' ? [message.content.length] : []));

describe('shorterMarks', () => {
  test('has each step that can do anything, in order', () => {
    expect(namesOf(working)).toEqual([
      ['trim_results', 2],
      ['leave_out_turns', 2],
      ['trim_rounds', 1],
      ['leave_out_rounds', 1],
      ['cap_results', 5],
      ['cap_results', 5],
    ]);
    expect(shorterMarks([SYSTEM, asked('only')], WHOLE_CONTEXT, 1)).toEqual([]);
  });

  test('trims old results and leaves those of the newest turn', () => {
    const note = '[3000 characters of this result left out to make room]';
    expect(lengths(deepest(working, 'trim_results'))).toEqual([note.length, note.length, 3000, 3000, 3000]);
  });

  test('leaves out old turns whole', () => {
    expect(deepest(working, 'leave_out_turns')).toEqual([SYSTEM, ...working.slice(turnStart)]);
  });

  test('trims the older rounds of the turn in work, then leaves them out, and keeps what was asked', () => {
    expect(lengths(deepest(working, 'trim_rounds')).filter((length) => length < 3000)).toHaveLength(1);
    expect(deepest(working, 'leave_out_rounds')).toEqual([
      SYSTEM,
      asked('question 3'),
      ...round('3b', LONG, LONG),
    ]);
  });

  test('cuts the newest results only then, with head and tail', () => {
    const [capped] = shorterMarks(working, WHOLE_CONTEXT, turnStart).filter(
      ({ name }) => name === 'cap_results',
    );
    const views = (capped?.marks ?? []).map((mark) => lengths(applyMark(working, mark)).at(-1) ?? 0);
    expect(views).toEqual(views.toSorted((a, b) => b - a));
    expect(views[0]).toBeGreaterThan(2000);
  });

  test('goes on from a mark, and never shows again what it left out', () => {
    const [, turns] = shorterMarks(working, WHOLE_CONTEXT, turnStart);
    const mark: ContextMark = { ...(turns?.marks[0] ?? WHOLE_CONTEXT), summary: 'About question 1.' };
    expect(namesOf(working, mark)[0]).toEqual(['leave_out_turns', 1]);
    expect(applyMark(working, mark).slice(0, 4)).toEqual([
      SYSTEM,
      asked('Summarise our conversation so far.'),
      answered('About question 1.'),
      asked('question 2'),
    ]);
  });

  test('what steered a turn whose rounds are left out joins what it asked for', () => {
    const steered = [
      ...history,
      asked('question 3'),
      ...round('3a', 'a'),
      asked('faster'),
      ...round('3b', 'b'),
    ];
    expect(deepest(steered, 'leave_out_rounds')).toEqual([
      SYSTEM,
      asked('question 3\n\nfaster'),
      ...round('3b', 'b'),
    ]);
  });
});

test('a result that is trimmed shows no pictures either', () => {
  const pictured = working.map((message) =>
    message.role === 'tool'
      ? { ...message, shows: { from: 'pictures' as const, callId: message.toolCallId } }
      : message,
  );
  const [trim] = shorterMarks(pictured, WHOLE_CONTEXT, turnStart);
  const shown = applyMark(pictured, trim?.marks.at(-1) ?? WHOLE_CONTEXT);
  expect(shown.flatMap((message) => ('shows' in message ? [message.content.length] : []))).toEqual([
    3000, 3000, 3000,
  ]);
});

const content = fc.integer({ min: 0, max: 3000 }).map((length) => 'y'.repeat(length));
const rounds = fc.array(fc.array(content, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
const turns = fc.array(fc.record({ rounds, steered: fc.boolean() }), { minLength: 1, maxLength: 5 });

/** A conversation, and where its newest turn begins; that turn may be unanswered. */
const conversation = turns.map((some) => {
  const messages: ChatMessage[] = [SYSTEM];
  let start = 1;
  for (const [index, one] of some.entries()) {
    start = messages.length;
    messages.push(asked(`question ${index}`));
    for (const [place, results] of one.rounds.entries()) {
      messages.push(...round(`${index}.${place}`, ...results));
      if (one.steered) messages.push(asked(`steering ${index}`));
    }
    if (index < some.length - 1) messages.push(answered(`answer ${index}`));
  }
  return { messages, start };
});

describe('every mark', () => {
  test('keeps pairs, the system message and what is asked now; leaves out ever more', () => {
    fc.assert(
      fc.property(conversation, fc.nat(), ({ messages, start }, seed) => {
        const first = shorterMarks(messages, WHOLE_CONTEXT, start).flatMap(({ marks }) => marks);
        const from = first[seed % Math.max(1, first.length)] ?? WHOLE_CONTEXT;
        for (const mark of [...first, ...shorterMarks(messages, from, start).flatMap(({ marks }) => marks)]) {
          const shown = applyMark(messages, mark);
          expect(splitPairs(shown)).toEqual([]);
          expect(shown[0]).toEqual(SYSTEM);
          expect(JSON.stringify(shown)).toContain(JSON.stringify(messages[start]?.content).slice(1, -1));
          expect(shown.some(({ role }) => role === 'user')).toBe(true);
        }
        for (const { marks } of shorterMarks(messages, from, start)) {
          const sizes = marks.map((mark) => JSON.stringify(applyMark(messages, mark)).length);
          expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
        }
      }),
    );
  });
});
