import type { EntityManager } from 'typeorm';
import { storableText } from '../database/safe-json.js';
import { DomainError } from '../errors.js';
import { insertMessage } from './insert-message.js';

/** A client's answer to a call with which a run had ended. */
export interface ReturnedResult {
  readonly toolCallId: string;
  readonly content: string;
}

interface ReturnedCall {
  id: string;
  name: string;
}

/** Said to the model of calls that the client was given, and then wrote something else. */
const UNANSWERED = 'The client did not answer this call.';

/**
 * Each returned call of the session that nobody answered gets its result, in the order of the calls. Rejects with
 * `invalid_request` for a result too many or too few.
 */
export async function answerReturnedCalls(
  manager: EntityManager,
  sessionId: string,
  results: readonly ReturnedResult[],
): Promise<void> {
  const open = await unansweredCalls(manager, sessionId);
  const given = new Map(results.map((result) => [result.toolCallId, result.content]));
  for (const id of given.keys()) {
    if (!open.some((call) => call.id === id)) throw notAwaited(id);
  }
  for (const call of open) {
    const content = given.get(call.id);
    if (content === undefined) throw missingResult(call);
    await answer(manager, sessionId, call.id, content);
  }
}

/** Before a message of the user: no call may be without a result. */
export async function closeReturnedCalls(manager: EntityManager, sessionId: string): Promise<void> {
  for (const { id } of await unansweredCalls(manager, sessionId)) {
    await answer(manager, sessionId, id, UNANSWERED);
  }
}

function unansweredCalls(manager: EntityManager, sessionId: string): Promise<ReturnedCall[]> {
  return manager.query<ReturnedCall[]>(
    `SELECT id, name FROM tool_calls AS call WHERE session_id = $1 AND state = 'returned'
       AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = $1 AND tool_call_id = call.id)
     ORDER BY created_at, index`,
    [sessionId],
  );
}

async function answer(
  manager: EntityManager,
  sessionId: string,
  callId: string,
  content: string,
): Promise<void> {
  await manager.query(`UPDATE tool_calls SET result_content = $2, finished_at = now() WHERE id = $1`, [
    callId,
    storableText(content),
  ]);
  await insertMessage(manager, { sessionId, runId: null, role: 'tool', content, toolCallId: callId });
}

function notAwaited(id: string): DomainError {
  return new DomainError(
    'invalid_request',
    `No call ${JSON.stringify(id.slice(0, 64))} of this session waits for a result.`,
    { param: 'messages', reason: 'tool_call_not_waiting' },
  );
}

function missingResult(call: ReturnedCall): DomainError {
  return new DomainError(
    'invalid_request',
    `The call ${call.id} of ${call.name.slice(0, 64)} has no result: answer each call of the turn by a tool message.`,
    { param: 'messages', reason: 'tool_result_missing' },
  );
}
