import type { ChatMessage, Engine, GenerateRequest, Usage } from '../../../src/engine/engine.js';
import { printAim, printHeading, printRow } from '../measure.js';
import { take } from './take.js';

const SESSIONS = 20;
/** The second message of a session: a question, or what a tool or a paste brings. */
const SECOND = { short: 'What is 17 * 23?', long: `Read this: ${'a line of some report, '.repeat(40)}.` };

/**
 * Second turns, each of which goes on from the first one's real answer: in sessions that had the engine for
 * themselves in between, and after all the other sessions had their first turn on fewer sequences. `crowded` and
 * `alone` hold as many sequences as their names say.
 */
export async function measureReuse(crowded: Engine, alone: Engine): Promise<void> {
  for (const [length, second] of Object.entries(SECOND)) {
    const undisturbed: Evaluated[] = [];
    for (let session = 0; session < SESSIONS; session += 1) {
      const named = { name: `alone-${length}-${session}`, session, second };
      undisturbed.push(await secondTurn(alone, named, await firstTurn(alone, named)));
    }
    const sessions = Array.from({ length: SESSIONS }, (_, session) => ({
      name: `crowd-${length}-${session}`,
      session,
      second,
    }));
    const firsts: First[] = [];
    for (const named of sessions) firsts.push(await firstTurn(crowded, named));
    const disturbed: Evaluated[] = [];
    for (const [index, named] of sessions.entries()) {
      disturbed.push(await secondTurn(crowded, named, firsts[index] as First));
    }
    printHeading(`  second turns of ${SESSIONS} sessions, a ${length} message`);
    printRow(
      'new tokens of the second prompt',
      disturbed.map(({ fresh }) => fresh),
      'tokens',
    );
    const ratio = overNew(disturbed);
    printAim(
      'evaluated over new, undisturbed, at most 1.05',
      overNew(undisturbed),
      overNew(undisturbed) <= 1.05,
    );
    printAim('evaluated over new, after 19 others, 1.05', ratio, ratio <= 1.05);
  }
}

interface Named {
  readonly name: string;
  readonly session: number;
  readonly second: string;
}

interface First {
  readonly usage: Usage;
  readonly answer: ChatMessage;
}

interface Evaluated {
  /** Tokens by which the second prompt is longer than the first, the first answer's among them. */
  readonly fresh: number;
  readonly evaluated: number;
}

async function firstTurn(engine: Engine, named: Named): Promise<First> {
  const { usage, message } = await take(engine, request(named, opening(named.session)));
  return { usage, answer: { role: 'assistant', content: message.text, toolCalls: [] } };
}

async function secondTurn(engine: Engine, named: Named, first: First): Promise<Evaluated> {
  const asked: ChatMessage = { role: 'user', content: named.second };
  const { usage } = await take(engine, request(named, [...opening(named.session), first.answer, asked]));
  return {
    fresh: usage.prompt_tokens - first.usage.prompt_tokens,
    evaluated: usage.prompt_tokens - (usage.prompt_tokens_details?.cached_tokens ?? 0),
  };
}

function overNew(turns: readonly Evaluated[]): number {
  const sum = (of: (turn: Evaluated) => number) => turns.reduce((all, turn) => all + of(turn), 0);
  return sum(({ evaluated }) => evaluated) / sum(({ fresh }) => fresh);
}

function request({ name }: Named, messages: readonly ChatMessage[]): GenerateRequest {
  return {
    sessionId: name,
    owner: 'bench',
    messages,
    tools: [],
    enableThinking: false,
    sampling: { temperature: 0, maxTokens: 200 },
  };
}

/** Different in each session from its first word on. */
function opening(session: number): ChatMessage[] {
  const lines = Array.from({ length: 40 }, (_, line) => `${session * 31 + line} and ${line * 7}`);
  return [{ role: 'user', content: `${session}: remember ${lines.join(', ')}.` }];
}
