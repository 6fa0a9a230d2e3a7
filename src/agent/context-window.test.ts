import { describe, expect, test } from 'vitest';
import type { ChatMessage, Engine } from '../engine/engine.js';
import { fitToContext } from './context-window.js';

const notAsked = (): never => {
  throw new Error('not asked for');
};

/** Counts one token a character, on a window of `contextSize`. */
function engineOf(contextSize: number): Engine {
  return {
    capabilities: () => Promise.resolve({ model: 'm', contextSize, toolCalls: true, reasoning: false }),
    count: ({ messages }) =>
      Promise.resolve(messages.reduce((sum, message) => sum + message.content.length, 0)),
    generate: notAsked,
    embed: notAsked,
    rank: notAsked,
    status: () => ({ state: 'closed', model: 'm' }),
    close: () => Promise.resolve(),
  };
}

const turn = (n: number, result: string): ChatMessage[] => [
  { role: 'user', content: `question ${n}` },
  { role: 'assistant', content: '', toolCalls: [{ id: `call_${n}`, name: 'python', arguments: '{}' }] },
  { role: 'tool', toolCallId: `call_${n}`, name: 'python', content: result },
  { role: 'assistant', content: `answer ${n}`, toolCalls: [] },
];
const history: ChatMessage[] = [
  { role: 'system', content: 'system' },
  ...turn(1, 'x'.repeat(500)),
  ...turn(2, 'y'.repeat(500)),
  { role: 'user', content: 'question 3' },
];

describe('fitToContext', () => {
  test('leaves alone what fits', async () => {
    expect(await fitToContext(engineOf(4000), history, [])).toBe(history);
  });

  test('empties old results first and keeps every turn', async () => {
    const fitted = await fitToContext(engineOf(300), history, []);
    expect(fitted).toHaveLength(history.length);
    expect(fitted.filter((message) => message.role === 'tool').map((message) => message.content)).toEqual([
      '[result left out to make room]',
      '[result left out to make room]',
    ]);
  });

  test('then drops whole turns, oldest first, calls with their results', async () => {
    const fitted = await fitToContext(engineOf(110), history, []);
    expect(fitted.filter((message) => message.role === 'user').map((message) => message.content)).toEqual([
      'question 2',
      'question 3',
    ]);
    const called = fitted.flatMap((message) =>
      message.role === 'assistant' ? message.toolCalls.map(({ id }) => id) : [],
    );
    const answered = fitted.flatMap((message) => (message.role === 'tool' ? [message.toolCallId] : []));
    expect(answered).toEqual(called);
  });

  test('never drops the newest turn or the system message', async () => {
    const fitted = await fitToContext(engineOf(8), history, []);
    expect(fitted.map((message) => message.content)).toEqual(['system', 'question 3']);
  });
});
