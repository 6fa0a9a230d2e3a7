import { EngineError } from '../engine-error.js';
import type { EngineEvent, GenerateRequest } from '../engine.js';
import { ReceivedMessageFold } from '../received-message.js';
import { askExpert, type ExpertEnd } from './ask-expert.js';
import { type Ballot, isUsable, tally } from './ballot.js';
import type { Expert } from './council.js';
import { voted } from './decide.js';
import { judgeRequest } from './judge-request.js';
import type { JudgeTerms } from './judge-turns.js';
import type { Spending } from './spending.js';
import { ended, turnOf } from './turn-events.js';

/** One turn written out of several, streamed as it is written. Where it fails before its first word, a vote decides. */
export async function* mergeTurns(
  judge: Expert,
  asked: GenerateRequest,
  ballots: readonly Ballot[],
  terms: JudgeTerms,
  spent: Spending,
): AsyncGenerator<EngineEvent, void, void> {
  const received = new ReceivedMessageFold();
  let hasBegun = false;
  for await (const item of write(judge, asked, ballots, terms)) {
    if (item.type === 'event') {
      if (!hasBegun) yield { type: 'council_decided', by: 'merge' };
      hasBegun = true;
      received.add(item.event);
      yield item.event;
      continue;
    }
    const { end } = item;
    spent.add(end.usage);
    const counted = tally(ballots);
    if (end.type === 'stopped') {
      yield* ended(spent, { type: 'stop', reason: 'cancelled', message: received.snapshot() });
    } else if (end.type === 'turn' && (hasBegun || isUsable(end))) {
      yield* ended(spent, { type: 'stop', reason: end.reason, message: end.message });
    } else if (hasBegun || counted === undefined) {
      yield* ended(spent, { type: 'error', error: errorOf(end), received: received.snapshot() });
    } else {
      yield* turnOf(voted(counted, 'vote', { judgeError: errorOf(end) }), spent);
    }
  }
}

async function* write(
  { engine }: Expert,
  asked: GenerateRequest,
  ballots: readonly Ballot[],
  terms: JudgeTerms,
): ReturnType<typeof askExpert> {
  let request: GenerateRequest;
  try {
    request = await judgeRequest(
      engine,
      asked,
      ballots.map(({ message }) => message),
      'merge',
    );
  } catch (reason) {
    const error = reason instanceof EngineError ? reason : new EngineError('provider', String(reason));
    yield { type: 'end', end: { type: 'failed', error, usage: undefined } };
    return;
  }
  yield* askExpert(engine, request, terms);
}

function errorOf(end: ExpertEnd): EngineError {
  return end.type === 'turn' ? new EngineError('provider', 'It said nothing.') : end.error;
}
