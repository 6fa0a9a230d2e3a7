import type { EntityManager } from 'typeorm';
import type { RunFailure } from '../agent/ports.js';
import type { EventPayload, RunResponse, StopReason } from '../events/event.js';
import { storableJson } from '../database/safe-json.js';
import type { ChunkScope } from '../events/chunk-writer.js';
import { missingOutputs } from './declared-outputs.js';
import { insertMessage } from './insert-message.js';
import { moveRun } from './move-run.js';
import { readPartialTurn } from './read-partial-turn.js';
import { buildRunResponse } from './run-response.js';
import { saySteering } from './say-steering.js';

export type RunEnding =
  | { readonly type: 'complete'; readonly stopReason: StopReason }
  | { readonly type: 'cancel' }
  | { readonly type: 'fail'; readonly failure: RunFailure };

/**
 * Ends a run whose row the caller has locked: whatever is open of it is cancelled, the text that had
 * streamed is kept as a message, as is what steered a run that fails, and the terminal event says all.
 * Returns the events to append.
 */
export async function endRun(
  manager: EntityManager,
  scope: Pick<ChunkScope, 'runId' | 'sessionId'>,
  ending: RunEnding,
): Promise<EventPayload[]> {
  const stopReason =
    ending.type === 'complete' ? ending.stopReason : ending.type === 'cancel' ? 'cancelled' : 'error';
  const cancelled = await cancelOpenCalls(manager, scope.runId);
  if (ending.type !== 'complete') await keepPartialTurn(manager, scope);
  const said = ending.type === 'fail' ? await keepSteering(manager, scope) : [];
  await moveRun(manager, scope.runId, ending.type);
  await manager.query(`UPDATE runs SET stop_reason = $2, error = $3, finished_at = now() WHERE id = $1`, [
    scope.runId,
    stopReason,
    ending.type === 'fail'
      ? storableJson({ code: ending.failure.code, message: ending.failure.message })
      : null,
  ]);
  const missing = ending.type === 'complete' ? await missingOutputs(manager, scope.runId) : [];
  const produced = await buildRunResponse(manager, scope.runId);
  const response = { ...produced, files: [...produced.files, ...missing] };
  return [
    ...cancelled,
    ...said,
    ...missing.map((file): EventPayload => ({ type: 'file', file })),
    ending.type === 'fail' ? failureEvent(ending.failure, response) : { type: 'done', response },
  ];
}

/** Whose fault it was decides the event; what broke inside the server is not told outside. */
function failureEvent(failure: RunFailure, response: RunResponse): EventPayload {
  switch (failure.code) {
    case 'internal':
      return { type: 'internal_error', message: 'The server failed to work this run; its log says why.' };
    case 'invalid_request':
      return { type: 'validation_error', message: failure.message };
    default:
      return {
        type: 'model_error',
        code: failure.code,
        message: failure.message,
        ...(failure.context === undefined ? {} : { context: countsOf(failure.context) }),
        incomplete_response: response,
      };
  }
}

function countsOf({ promptTokens, answerTokens, contextSize }: NonNullable<RunFailure['context']>) {
  return { prompt_tokens: promptTokens, answer_tokens: answerTokens, context_size: contextSize };
}

async function cancelOpenCalls(manager: EntityManager, runId: string): Promise<EventPayload[]> {
  const [approvals] = await manager.query<[{ id: string; tool_call_id: string }[], number]>(
    `UPDATE approvals SET state = 'cancelled', decided_at = now() WHERE run_id = $1 AND state = 'pending'
     RETURNING id, tool_call_id`,
    [runId],
  );
  const [calls] = await manager.query<[{ id: string; round: number }[], number]>(
    `UPDATE tool_calls SET state = 'cancelled', result_content = '[cancelled]', finished_at = now()
     WHERE run_id = $1 AND state IN ('proposed', 'awaiting_approval', 'approved', 'running')
     RETURNING id, round`,
    [runId],
  );
  return [
    ...approvals.map((approval): EventPayload => ({
      type: 'agentic_tool_approval_resolved',
      approval_id: approval.id,
      tool_call_id: approval.tool_call_id,
      decision: 'cancelled',
      decided_by: null,
      message: null,
    })),
    ...calls.map((call): EventPayload => ({
      type: 'tool_call_cancelled',
      round: call.round,
      tool_call_id: call.id,
    })),
  ];
}

/** Whoever cancels a run takes back what steered it; one that fails must not lose what the user has said. */
async function keepSteering(
  manager: EntityManager,
  scope: Pick<ChunkScope, 'runId' | 'sessionId'>,
): Promise<EventPayload[]> {
  const [run] = await manager.query<{ round: number }[]>(`SELECT round FROM runs WHERE id = $1`, [
    scope.runId,
  ]);
  return run ? saySteering(manager, scope, run.round) : [];
}

/**
 * What the reader saw stays in the history: the text of a broken inference as an assistant message, and
 * for calls that were cut off a result that says so, since a call without a result is no conversation.
 */
async function keepPartialTurn(
  manager: EntityManager,
  scope: Pick<ChunkScope, 'runId' | 'sessionId'>,
): Promise<void> {
  const [run] = await manager.query<{ round: number; kind: string }[]>(
    `SELECT round, kind FROM runs WHERE id = $1`,
    [scope.runId],
  );
  if (!run || run.kind === 'tool') return;
  const committed = await manager.query<unknown[]>(
    `SELECT 1 FROM messages WHERE run_id = $1 AND round = $2 AND role = 'assistant'`,
    [scope.runId, run.round],
  );
  if (committed.length > 0) return answerOpenCalls(manager, scope, run.round);
  const partial = await readPartialTurn(manager, scope.runId, run.round);
  if (!partial || partial.text === '') return;
  await insertMessage(manager, { ...scope, round: run.round, role: 'assistant', content: partial.text });
}

async function answerOpenCalls(
  manager: EntityManager,
  scope: Pick<ChunkScope, 'runId' | 'sessionId'>,
  round: number,
): Promise<void> {
  const calls = await manager.query<{ id: string; result_content: string | null }[]>(
    `SELECT id, result_content FROM tool_calls WHERE run_id = $1 AND round = $2 AND parent_id IS NULL ORDER BY index`,
    [scope.runId, round],
  );
  for (const call of calls) {
    await insertMessage(manager, {
      ...scope,
      round,
      role: 'tool',
      content: call.result_content ?? '',
      toolCallId: call.id,
    });
  }
}
