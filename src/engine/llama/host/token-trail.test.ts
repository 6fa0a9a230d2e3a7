import type { Token } from 'node-llama-cpp';
import { expect, test } from 'vitest';
import { TokenTrail } from './token-trail.js';

function trailOf(...made: number[]): TokenTrail {
  const trail = new TokenTrail();
  for (const token of made) trail.add({ token: token as Token, probabilities: new Map() });
  return trail;
}

const take = (trail: TokenTrail, ...tokens: number[]) =>
  trail.take(tokens as Token[]).map(({ token }) => Number(token));

test('what is given out later than it was made is found, each once', () => {
  const trail = trailOf(5, 5, 6);
  expect([take(trail, 5), take(trail, 5, 6), take(trail, 5)]).toEqual([[5], [5, 6], []]);
});

test('the tokens of syntax before it are left behind', () => {
  const trail = trailOf(1, 2, 7, 3, 8);
  expect([take(trail, 7), take(trail, 8), take(trail, 1, 3)]).toEqual([[7], [8], []]);
});

test('a token that was not made is left out and costs the others nothing', () => {
  const trail = trailOf(4, 5);
  expect(take(trail, 9, 4, 5)).toEqual([4, 5]);
});
