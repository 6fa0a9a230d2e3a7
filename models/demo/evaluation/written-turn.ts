import type { ToolCallRequest } from '../../../src/engine/engine.js';
import type { WrittenTurn } from './evaluation-case.js';
import { type Conversation, MAX_ROUNDS } from './conversation.js';
import type { Workspace } from '../../../src/tools/tool.js';
import type { Toolbox } from './toolbox.js';

export interface TurnReport {
  /** Empty when all is as it should be. */
  readonly faults: readonly string[];
  readonly transcript: readonly string[];
  /** What is asked cannot be done, or needs no tool. */
  readonly wantsNoCall: boolean;
  readonly calls: number;
  readonly invalidCalls: number;
  readonly completionTokens: number;
}

/** One turn of a hand-written dialogue with real tools behind, judged by what came out of it. */
export async function speakTurn(
  turn: WrittenTurn,
  conversation: Conversation,
  toolbox: Toolbox,
  workspace: Workspace,
): Promise<TurnReport> {
  const transcript = [`user: ${turn.user}`];
  const calls: ToolCallRequest[] = [];
  let answer: string | undefined;
  let invalidCalls = 0;
  let completionTokens = 0;
  conversation.ask(turn.user);
  for (let round = 0; round < MAX_ROUNDS && answer === undefined; round++) {
    const made = await conversation.next();
    completionTokens += made.completionTokens;
    if (made.reasoning !== '') transcript.push(`thought: ${made.reasoning.trim()}`);
    if (made.calls.length === 0) answer = made.text;
    for (const call of made.calls) {
      calls.push(call);
      const result = turn.deny
        ? { content: 'The user denied this tool call.', invalid: false }
        : await toolbox.run(call);
      if (result.invalid) invalidCalls += 1;
      conversation.result(call, result.content);
      transcript.push(`call: ${call.name} ${call.arguments}`, `result: ${result.content}`);
    }
  }
  transcript.push(`answer: ${answer ?? '(none)'}`);
  const faults = [
    ...callFaults(turn, calls),
    ...answerFaults(turn, answer),
    ...(await fileFaults(turn, workspace)),
  ];
  const wantsNoCall = turn.calls.length === 0;
  return { faults, transcript, wantsNoCall, calls: calls.length, invalidCalls, completionTokens };
}

function callFaults(turn: WrittenTurn, calls: readonly ToolCallRequest[]): string[] {
  const wanted = turn.calls.map(({ name }) => name).join(', ');
  const made = calls.map(({ name }) => name).join(', ');
  if (wanted !== made) return [`calls: ${made || 'none'} instead of ${wanted || 'none'}`];
  return turn.calls.flatMap((expected, index) => {
    const given = parsed(calls[index]?.arguments ?? '');
    return Object.entries(expected.arguments)
      .filter(([name, value]) => !fits(value, given[name]))
      .map(
        ([name, value]) =>
          `${expected.name}: ${name} is ${JSON.stringify(given[name])}, not ${JSON.stringify(value)}`,
      );
  });
}

function parsed(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function fits(expected: string, given: unknown): boolean {
  const text = Array.isArray(given) ? given.join('\n') : String(given);
  if (!expected.startsWith('~')) return text.trim() === expected;
  const words = expected.slice(1).toLowerCase().split(' ');
  return words.every((word) => text.toLowerCase().includes(word));
}

function answerFaults(turn: WrittenTurn, answer: string | undefined): string[] {
  if (answer === undefined || answer.trim() === '') return ['no answer'];
  return [
    ...turn.answer
      .filter((part) => !holds(answer, part))
      .map((part) => `the answer lacks ${JSON.stringify(part)}`),
    ...turn.not
      .filter((part) => holds(answer, part))
      .map((part) => `the answer holds ${JSON.stringify(part)}`),
  ];
}

function holds(answer: string, part: string): boolean {
  if (!/^-?\d+(\.\d+)?$/.test(part)) return answer.toLowerCase().includes(part.toLowerCase());
  const numbers = answer.match(/-?\d+(?:\.\d+)?/g) ?? [];
  return numbers.some((number) => Number(number) === Number(part));
}

const LARGEST_FILE = 4 * 2 ** 20;

async function fileFaults(turn: WrittenTurn, workspace: Workspace): Promise<string[]> {
  const faults: string[] = [];
  for (const path of [...turn.exists, ...Object.keys(turn.writes)]) {
    const data = await workspace.read(path, LARGEST_FILE);
    const wanted = turn.writes[path];
    if (data === undefined) faults.push(`there is no ${path}`);
    else if (wanted !== undefined && Buffer.from(data).toString().trim() !== wanted)
      faults.push(`${path} has another content`);
  }
  return faults;
}
