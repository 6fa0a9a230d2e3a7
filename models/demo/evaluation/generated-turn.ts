import { isDeepStrictEqual } from 'node:util';
import type { ToolCallRequest } from '../../../src/engine/engine.js';
import type { Conversation, MadeRound } from './conversation.js';
import type { GeneratedTurn } from './evaluation-case.js';
import type { Toolbox } from './toolbox.js';
import type { TurnReport } from './written-turn.js';

type Round = GeneratedTurn['rounds'][number];

/** Tools whose results the generator knows exactly, as long as nothing goes wrong in its story. */
const RUN_FOR_REAL: ReadonlySet<string> = new Set(['python', 'javascript', 'write_file']);

/**
 * One turn of a generated dialogue: every message has to be the right one. The tools get to run; where they say
 * something else than the story does (its errors, denials, random numbers), the story goes on.
 */
export async function followTurn(
  turn: GeneratedTurn,
  conversation: Conversation,
  toolbox: Toolbox,
): Promise<TurnReport> {
  const transcript = [`user: ${turn.user}`];
  const faults: string[] = [];
  let [calls, invalidCalls, completionTokens] = [0, 0, 0];
  conversation.ask(turn.user);
  for (const expected of turn.rounds) {
    const made = await conversation.next();
    completionTokens += made.completionTokens;
    calls += made.calls.length;
    transcript.push(
      `made: ${made.text}${made.calls.map((call) => ` ${call.name} ${call.arguments}`).join('')}`,
    );
    if (!isSame(expected, made)) {
      faults.push(
        `expected ${expected.text}${expected.calls.map((call) => ` ${call.name} ${JSON.stringify(call.arguments)}`).join('')}`,
      );
      for (const call of made.calls) if ((await toolbox.run(call)).invalid) invalidCalls += 1;
      conversation.takeBack();
      conversation.say(expected.text, made.reasoning, expected.calls.map(asRequest));
    }
    for (const [index, call] of expected.calls.entries()) {
      const request = asRequest(call, index);
      if (RUN_FOR_REAL.has(call.name)) {
        const { content } = await toolbox.run(request);
        if (content !== call.result) transcript.push(`the real result would have been: ${content}`);
      }
      conversation.result(request, call.result);
      transcript.push(`result: ${call.result}`);
    }
  }
  const wantsNoCall = turn.rounds.every((round) => round.calls.length === 0);
  return { faults, transcript, wantsNoCall, calls, invalidCalls, completionTokens };
}

function asRequest(call: Round['calls'][number], index: number): ToolCallRequest {
  return { id: `call_${index}`, name: call.name, arguments: JSON.stringify(call.arguments) };
}

function isSame(expected: Round, made: MadeRound): boolean {
  if (expected.calls.length === 0 && made.calls.length === 0)
    return made.text.trim() === expected.text.trim();
  return (
    expected.calls.length === made.calls.length &&
    expected.calls.every((call, index) => {
      const other = made.calls[index];
      if (other === undefined || other.name !== call.name) return false;
      return isDeepStrictEqual(asTexts(JSON.parse(other.arguments || '{}')), asTexts(call.arguments));
    })
  );
}

/** Custom tools are offered with parameters that are texts, also where the story has a number. */
function asTexts(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}
