import type { CouncilEvent } from '../council-event.js';
import type { EngineEvent, GenerateRequest } from '../engine.js';
import { askExpert, type ExpertEnd } from './ask-expert.js';
import { type Ballot, isUsable, isVoteDecided } from './ballot.js';
import type { Council } from './council.js';
import { decide } from './decide.js';
import { expertSession } from './council-sessions.js';
import { interleave } from './interleave.js';
import { mergeTurns } from './merge-turns.js';
import { nobodyUsable } from './nobody-usable.js';
import { Spending } from './spending.js';
import { ended, NOTHING, turnOf } from './turn-events.js';

/**
 * One turn of a council: all experts are asked at once, what each says is told as it comes, then the chosen or merged
 * turn itself. Ends as `Engine.generate` does; the usage is that of all who were asked.
 */
export async function* holdCouncil(
  council: Council,
  request: GenerateRequest,
  signal: AbortSignal,
  random: () => number,
): AsyncGenerator<EngineEvent, void, void> {
  const { strategy, judge, experts, expertTimeoutMs: timeoutMs } = council;
  const asksJudge = strategy === 'judge' || strategy === 'merge';
  yield {
    type: 'council_started',
    strategy,
    experts: experts.map(({ name }) => name),
    ...(asksJudge ? { judge: judge.name } : {}),
  };
  const spent = new Spending();
  const { ends, ballots } = yield* hear(council, request, signal, spent);
  if (signal.aborted) {
    yield* ended(spent, { type: 'stop', reason: 'cancelled', message: NOTHING });
    return;
  }
  const terms = { timeoutMs, signal, random };
  const decision = await decide(council, request, ballots, terms);
  spent.add(decision?.usage);
  if (signal.aborted) {
    yield* ended(spent, { type: 'stop', reason: 'cancelled', message: NOTHING });
    return;
  }
  if (decision === undefined) {
    const error = nobodyUsable(ends.map((end, place) => ({ name: experts[place]?.name ?? '', end })));
    yield* ended(spent, { type: 'error', error, received: NOTHING });
    return;
  }
  if (decision.type === 'merge') {
    yield* mergeTurns(judge, request, ballots, terms, spent);
    return;
  }
  yield* turnOf(decision, spent);
}

interface Heard {
  /** By the experts' places. */
  readonly ends: readonly ExpertEnd[];
  /** In the order in which they came. */
  readonly ballots: readonly Ballot[];
}

/** Tells what the experts say until all have ended, or enough have for the strategy. */
async function* hear(
  { experts, strategy, expertTimeoutMs: timeoutMs }: Council,
  request: GenerateRequest,
  signal: AbortSignal,
  spent: Spending,
): AsyncGenerator<EngineEvent, Heard, void> {
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  const streams = experts.map(({ engine }, place) =>
    askExpert(engine, requestOf(request, experts, place), { timeoutMs, signal: stop }),
  );
  const ends: ExpertEnd[] = [];
  const ballots: Ballot[] = [];
  let open = experts.length;
  try {
    for await (const { source: expert, item } of interleave(streams)) {
      if (item.type === 'event') {
        if (!stop.aborted) yield { type: 'expert_delta', expert, delta: item.event };
        continue;
      }
      const { end } = item;
      ends[expert] = end;
      open -= 1;
      spent.add(end.usage);
      if (end.type === 'turn' && isUsable(end))
        ballots.push({ expert, reason: end.reason, message: end.message });
      if (isEnough(strategy, ballots, open)) enough.abort();
      yield doneEvent(expert, end);
    }
  } finally {
    enough.abort();
  }
  return { ends, ballots };
}

function isEnough(strategy: Council['strategy'], ballots: readonly Ballot[], open: number): boolean {
  if (strategy === 'first') return ballots.length > 0;
  return strategy === 'vote' && isVoteDecided(ballots, open);
}

/** Each expert has a cache of its own, and one that is asked twice a seed of its own. */
function requestOf(
  { council: _council, model: _model, ...request }: GenerateRequest,
  experts: Council['experts'],
  place: number,
): GenerateRequest {
  const { seed } = request.sampling;
  const earlier = experts.slice(0, place).filter(({ name }) => name === experts[place]?.name).length;
  const sampling =
    seed === undefined
      ? request.sampling
      : { ...request.sampling, seed: (seed + earlier) % Number.MAX_SAFE_INTEGER };
  return { ...request, sampling, sessionId: expertSession(request.sessionId, place) };
}

function doneEvent(expert: number, end: ExpertEnd): CouncilEvent {
  const usage = end.usage === undefined ? {} : { usage: end.usage };
  if (end.type === 'turn') return { type: 'expert_done', expert, reason: end.reason, ...usage };
  return { type: 'expert_done', expert, error: end.error, ...usage };
}
