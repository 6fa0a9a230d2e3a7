import { DomainError } from '../errors.js';
import type { ExportedMessage } from './session-export.js';

/**
 * How many messages make the first `turns` user turns. A turn begins with the user message that began a
 * run; one that steered the same run belongs to it. Throws when there are fewer turns.
 */
export function lengthOfTurns(messages: readonly ExportedMessage[], turns: number): number {
  let begun = 0;
  let previous: ExportedMessage | undefined;
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'user') continue;
    const steers = previous !== undefined && message.run_id !== null && message.run_id === previous.run_id;
    previous = message;
    if (steers) continue;
    if (begun === turns) return index;
    begun += 1;
  }
  if (begun === turns) return messages.length;
  throw new DomainError(
    'invalid_request',
    `This session has ${begun} turns; turn ${turns} is not among them.`,
    {
      reason: 'turn_not_found',
      param: 'turn',
    },
  );
}

/** Stands for a result that never came, so that no call is without one. */
export const MISSING_RESULT = 'This call was not finished; there is no result.';

/**
 * The same messages with every call answered before anything else is said. A call without a result
 * gets one that says so. Throws for a result without a call, a second result and a repeated call id.
 */
export function withWholePairs(messages: readonly ExportedMessage[]): ExportedMessage[] {
  const whole: ExportedMessage[] = [];
  const seen = new Set<string>();
  let caller: ExportedMessage | undefined;
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (message.tool_call_id === null || !open.delete(message.tool_call_id)) throw orphan(index);
      whole.push(message);
      continue;
    }
    whole.push(...missingResults(caller, open), message);
    caller = message;
    open = new Set();
    for (const call of callsOf(message)) {
      if (seen.has(call.id)) throw repeated(index, call.id);
      seen.add(call.id);
      open.add(call.id);
    }
  }
  whole.push(...missingResults(caller, open));
  return whole;
}

function callsOf(message: ExportedMessage) {
  return message.role === 'assistant' ? (message.tool_calls ?? []) : [];
}

function missingResults(caller: ExportedMessage | undefined, open: ReadonlySet<string>): ExportedMessage[] {
  if (caller === undefined) return [];
  return [...open].map((callId) => ({
    ...caller,
    role: 'tool',
    content: MISSING_RESULT,
    reasoning: null,
    tool_calls: null,
    tool_call_id: callId,
  }));
}

function orphan(index: number): DomainError {
  return new DomainError(
    'invalid_request',
    `\`messages[${index}].tool_call_id\` names no call that waits for a result at this place.`,
    { reason: 'bad_export', param: `messages[${index}].tool_call_id` },
  );
}

function repeated(index: number, callId: string): DomainError {
  return new DomainError(
    'invalid_request',
    `\`messages[${index}].tool_calls\` repeats the call id ${callId.slice(0, 64)}.`,
    { reason: 'bad_export', param: `messages[${index}].tool_calls` },
  );
}
