import { expect, test } from 'vitest';
import type { PayloadOf } from './event.js';
import { mergeChunks, weightOf } from './merge-chunks.js';

const token = (piece: string) => ({ token: piece, logprob: -1, bytes: null, top_logprobs: [] });

function chunk(offset: number, piece: string, channel: 'content' | 'reasoning_content'): PayloadOf<'chunk'> {
  const logprobs = { [channel]: [token(piece)] };
  const choice = { index: 0, delta: { [channel]: piece }, logprobs, finish_reason: null };
  return { type: 'chunk', round: 0, attempt: 0, offset, choices: [choice] };
}

test('pieces that become one keep the tokens of both, in their order', () => {
  for (const channel of ['content', 'reasoning_content'] as const) {
    const merged = mergeChunks(chunk(0, 'The', channel), chunk(3, ' sea', channel));
    expect(merged).toMatchObject({
      choices: [{ delta: { [channel]: 'The sea' }, logprobs: { [channel]: [token('The'), token(' sea')] } }],
    });
  }
});

test('raw tokens stay as they came, and weigh what they take', () => {
  const raw = (index: number): PayloadOf<'raw'> => {
    const tokens = [{ id: 1, ids: [1, 2, 3], logprobs: [-1, -2, -3] }];
    return { type: 'raw', round: 0, attempt: 0, index, tokens };
  };
  expect(mergeChunks(raw(0), raw(1))).toBeUndefined();
  expect(mergeChunks(chunk(0, 'The', 'content'), raw(0))).toBeUndefined();
  expect(weightOf(raw(0))).toBeGreaterThan(3);
  expect(weightOf(chunk(0, 'The', 'content'))).toBeGreaterThan(3);
});
