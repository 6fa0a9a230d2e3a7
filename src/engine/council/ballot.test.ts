import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ballot, isVoteDecided, tally, voteKey } from './ballot.js';

const ballot = (expert: number, text: string): Ballot => ({
  expert,
  reason: 'stop',
  message: { text, reasoning: '', completeCalls: [] },
});
const texts = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 });

function counts(given: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const text of given) found.set(text, (found.get(text) ?? 0) + 1);
  return found;
}

test('who wins does not depend on the order in which the turns come', () => {
  fc.assert(
    fc.property(
      texts.chain((given) => fc.tuple(fc.constant(given), shuffled(given.length))),
      ([given, order]) => {
        const ballots = given.map((text, expert) => ballot(expert, text));
        const arrived = order.map((place) => ballot(place, given[place] ?? ''));
        expect(tally(arrived)).toEqual(tally(ballots));
      },
    ),
  );
});

test('the winner has as many votes as any, and of those with as many is the first named', () => {
  fc.assert(
    fc.property(texts, (given) => {
      const found = tally(given.map((text, expert) => ballot(expert, text)));
      const most = Math.max(...counts(given).values());
      expect(found?.votes).toBe(most);
      expect(found?.winner.expert).toBe(given.findIndex((text) => counts(given).get(text) === most));
    }),
  );
});

test('a vote that counts as decided comes out the same whatever the rest say', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }), (given, rest) => {
      const ballots = given.map((text, place) => ballot(place + rest.length, text));
      fc.pre(isVoteDecided(ballots, rest.length));
      const all = [...ballots, ...rest.map((text, place) => ballot(place, text))];
      const won = (one: readonly Ballot[]) => tally(one)?.winner.message.text;
      expect(won(all)).toBe(won(ballots));
    }),
  );
});

test.each([
  ['{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }', true],
  ['Ｆｕｌｌ width', 'full WIDTH.', true],
  ['42', '42.0', false],
  ['yes', 'no', false],
])('%j and %j say the same: %j', (one, other, same) => {
  const key = (text: string) => voteKey(ballot(0, text).message);
  expect(key(one) === key(other)).toBe(same);
});

function shuffled(length: number): fc.Arbitrary<number[]> {
  const places = Array.from({ length }, (_, place) => place);
  return fc.shuffledSubarray(places, { minLength: length, maxLength: length });
}
