import { expect, test } from 'vitest';
import { estimatePromptTokens, estimateTokens } from './estimate-tokens.js';

/** Tokens that o200k or Qwen's tokenizer, whichever has more, make of each: the estimate may not be below. */
test.each([
  ['The quick brown fox jumps over the lazy dog.', 10],
  ['1234567890', 10],
  ['{"code": "print(1234 * 567)"}', 15],
  ['你好，世界', 5],
  ['Привет, мир', 6],
  ['🙂🙂', 4],
])('%s is not taken for fewer tokens than it has', (text, tokens) => {
  expect(estimateTokens(text)).toBeGreaterThanOrEqual(tokens);
  expect(estimateTokens(text)).toBeLessThan(tokens * 3);
});

test('counts everything that a prompt is made of', () => {
  const messages = [{ role: 'user', content: 'Hi' }] as const;
  const alone = estimatePromptTokens({ messages, tools: [] });
  const tool = { name: 'python', description: 'Runs code.', parameters: { type: 'object' } };
  expect(estimatePromptTokens({ messages, tools: [tool] })).toBeGreaterThan(alone + 15);
  const toolCalls = [{ id: 'a', name: 'python', arguments: '{"code":"1"}' }];
  const more = [...messages, { role: 'assistant', content: '', reasoning: 'Hm', toolCalls } as const];
  expect(estimatePromptTokens({ messages: more, tools: [] })).toBeGreaterThan(alone + 10);
});
