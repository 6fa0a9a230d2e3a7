import { z } from 'zod';
import { EngineError } from '../engine-error.js';
import type { GenerateRequest, Usage } from '../engine.js';
import { askExpert, type ExpertTerms } from './ask-expert.js';
import type { Ballot } from './ballot.js';
import type { Expert } from './council.js';
import { judgeRequest } from './judge-request.js';

const verdictSchema = z.strictObject({ choice: z.int().positive() });

export type Verdict =
  | { readonly type: 'chosen'; readonly ballot: Ballot; readonly usage: Usage | undefined }
  | { readonly type: 'failed'; readonly error: EngineError; readonly usage: Usage | undefined };

export interface JudgeTerms extends ExpertTerms {
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
}

/**
 * A model chooses one of the turns. It sees them in random order, numbered, so that neither a place nor a name speaks
 * for one, and none can name itself. Only what the judge itself replies counts. Never rejects.
 */
export async function judgeTurns(
  judge: Expert,
  asked: GenerateRequest,
  ballots: readonly Ballot[],
  terms: JudgeTerms,
): Promise<Verdict> {
  const shuffled = shuffle(ballots, terms.random);
  let request: GenerateRequest;
  try {
    request = await judgeRequest(
      judge.engine,
      asked,
      shuffled.map(({ message }) => message),
      'choose',
    );
  } catch (reason) {
    const error = reason instanceof EngineError ? reason : new EngineError('provider', String(reason));
    return { type: 'failed', error, usage: undefined };
  }
  for await (const item of askExpert(judge.engine, request, terms)) {
    if (item.type === 'event') continue;
    const { end } = item;
    if (end.type !== 'turn') return { type: 'failed', error: end.error, usage: end.usage };
    const ballot = shuffled[readChoice(end.message.text) - 1];
    if (ballot) return { type: 'chosen', ballot, usage: end.usage };
    const error = new EngineError('provider', 'The judge replied with none of the numbers it was given.');
    return { type: 'failed', error, usage: end.usage };
  }
  return { type: 'failed', error: new EngineError('provider', 'The judge said nothing.'), usage: undefined };
}

/** 0 for anything that is no choice. Servers that hold no model to a grammar may fence their JSON. */
function readChoice(text: string): number {
  const json = text.trim().replace(/^```(?:json)?\s*([^]*?)\s*```$/u, '$1');
  try {
    const verdict = verdictSchema.safeParse(JSON.parse(json));
    return verdict.success ? verdict.data.choice : 0;
  } catch {
    return 0;
  }
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [shuffled[last], shuffled[other]];
    if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a];
  }
  return shuffled;
}
