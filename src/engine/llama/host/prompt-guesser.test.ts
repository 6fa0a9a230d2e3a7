import type { Token } from 'node-llama-cpp';
import { expect, test } from 'vitest';
import { PromptGuesser } from './prompt-guesser.js';

const tokens = (...ids: number[]) => ids as Token[];

test('guesses what followed the last tokens in the prompt, one at a time', () => {
  const guesser = new PromptGuesser(tokens(1, 2, 3, 4, 5));
  guesser.reset({ stateTokens: tokens(9, 9, 2, 3) });
  expect(guesser.predictTokens()).toEqual([4]);
  guesser.pushTokens(tokens(4));
  expect(guesser.predictTokens()).toEqual([5]);
  guesser.pushTokens(tokens(5));
  expect(guesser.predictTokens()).toEqual([]);
});

test('goes by three tokens rather than two, and by where they stood last', () => {
  const guesser = new PromptGuesser(tokens(1, 2, 3, 7, 8, 2, 3, 9, 8, 2, 3, 6));
  guesser.reset({ stateTokens: tokens(1, 2, 3) });
  expect(guesser.predictTokens()).toEqual([7]);
  guesser.reset({ stateTokens: tokens(5, 2, 3) });
  expect(guesser.predictTokens()).toEqual([6]);
});

test('guesses nothing from one token', () => {
  const guesser = new PromptGuesser(tokens(1, 2, 3));
  guesser.reset({ stateTokens: tokens(2) });
  expect(guesser.predictTokens()).toEqual([]);
});
