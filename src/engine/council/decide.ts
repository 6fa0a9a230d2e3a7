import type { CouncilEvent } from '../council-event.js';
import type { GenerateRequest, Usage } from '../engine.js';
import { type Ballot, tally, type Tally, voteKey } from './ballot.js';
import type { Council } from './council.js';
import { type JudgeTerms, judgeTurns } from './judge-turns.js';

type Told = Omit<Extract<CouncilEvent, { type: 'council_decided' }>, 'type' | 'chosen'>;

export type Decision =
  | {
      readonly type: 'chosen';
      readonly ballot: Ballot;
      readonly told: Told;
      readonly usage?: Usage | undefined;
    }
  /** A model is to write the turn out of all of them. */
  | { readonly type: 'merge'; readonly usage?: undefined };

/**
 * Which turn it is, by the council's strategy. A judge is asked only where there is something to choose between, and
 * where it fails the turns are counted. Calls cannot be merged: among them the judge chooses. The ballots are in the
 * order in which they came. Undefined: there are none.
 */
export async function decide(
  { strategy, judge }: Council,
  request: GenerateRequest,
  ballots: readonly Ballot[],
  terms: JudgeTerms,
): Promise<Decision | undefined> {
  const counted = tally(ballots);
  const [earliest] = ballots;
  if (counted === undefined || earliest === undefined) return undefined;
  if (strategy === 'first') return chosen(earliest, { by: 'first' });
  if (ballots.length === 1) return chosen(earliest, { by: 'only_answer' });
  if (strategy === 'vote') return voted(counted, 'vote');
  if (counted.votes === ballots.length) return voted(counted, 'unanimous');
  if (strategy === 'merge' && ballots.every(isText)) return { type: 'merge' };
  const verdict = await judgeTurns(judge, request, distinct(ballots), terms);
  const { usage } = verdict;
  if (verdict.type === 'chosen') return { ...chosen(verdict.ballot, { by: 'judge' }), usage };
  return { ...voted(counted, 'vote', { judgeError: verdict.error }), usage };
}

/** By count. */
export function voted(
  { winner, votes }: Tally,
  by: 'vote' | 'unanimous',
  more: Pick<Told, 'judgeError'> = {},
): Extract<Decision, { type: 'chosen' }> {
  return chosen(winner, { by, votes, ...more });
}

function chosen(ballot: Ballot, told: Told): Extract<Decision, { type: 'chosen' }> {
  return { type: 'chosen', ballot, told };
}

function isText({ message }: Ballot): boolean {
  return message.completeCalls.length === 0;
}

/** One of each: a turn is judged by what it says, not by how many say it. */
function distinct(ballots: readonly Ballot[]): Ballot[] {
  return [
    ...new Map(ballots.toReversed().map((ballot) => [voteKey(ballot.message), ballot])).values(),
  ].toReversed();
}
