import type { EntityManager } from 'typeorm';
import type { PastCall, RunSnapshot, SnapshotMessage } from '../agent/snapshot.js';
import { NO_USAGE } from '../engine/usage.js';
import type { ToolCallRequest, Usage } from '../engine/engine.js';
import { FencedError } from '../events/chunk-writer.js';
import { type CallRecord, toCallSnapshot } from './call-record.js';
import { readPartialTurn } from './read-partial-turn.js';
import type { RunOptions } from './run-request.js';
import type { RunKind, RunState } from './run-state.js';
import { readContext } from './session-context.js';

interface RunRecord {
  id: string;
  session_id: string;
  owner: string;
  kind: RunKind;
  state: RunState;
  generation: number;
  options: RunOptions;
  round: number;
  attempt: number;
  tool_call_count: number;
  active_ms: string;
  finish_reason: RunSnapshot['finishReason'];
  usage: Usage | null;
  cancel_requested_by: string | null;
  system_prompt: string | null;
}

interface MessageRecord {
  role: 'user' | 'assistant' | 'tool';
  run_id: string | null;
  round: number | null;
  content: string;
  reasoning: string | null;
  tool_calls: ToolCallRequest[] | null;
  tool_call_id: string | null;
  name: string | null;
  file_ids: string[] | null;
  has_pictures: boolean;
}

/** Said to a model when the session has no system prompt of its own. */
const DEFAULT_SYSTEM_PROMPT = 'You are a helpful assistant running locally.';

const RUN_SQL = `
  SELECT runs.*, sessions.system_prompt FROM runs JOIN sessions ON sessions.id = runs.session_id WHERE runs.id = $1`;
const MESSAGES_SQL = `
  SELECT messages.*, tool_calls.name, tool_calls.result_images IS NOT NULL AS has_pictures FROM messages LEFT JOIN tool_calls ON tool_calls.id = messages.tool_call_id
  WHERE messages.session_id = $1 ORDER BY messages.position`;
/** What code called is that code's matter: the conversation has the call that ran the code. */
const CALLS_SQL = `SELECT * FROM tool_calls WHERE run_id = $1 AND parent_id IS NULL ORDER BY round, index`;
const STEERING_SQL = `SELECT id, text FROM steering_messages WHERE run_id = $1 ORDER BY id`;

/** Reads back all that the run's next step depends on. Rejects with FencedError when it is not `generation`'s. */
export async function loadSnapshot(
  manager: EntityManager,
  runId: string,
  generation: number,
): Promise<RunSnapshot> {
  const [run] = await manager.query<RunRecord[]>(RUN_SQL, [runId]);
  if (!run || run.generation !== generation || run.state !== 'running') throw new FencedError(runId);
  const [messages, calls, steering, context] = await Promise.all([
    manager.query<MessageRecord[]>(MESSAGES_SQL, [run.session_id]),
    manager.query<CallRecord[]>(CALLS_SQL, [runId]),
    manager.query<{ id: string; text: string }[]>(STEERING_SQL, [runId]),
    readContext(manager, run.session_id),
  ]);
  const turnCommitted =
    run.kind === 'tool' ||
    messages.some(
      (message) => message.run_id === runId && message.role === 'assistant' && message.round === run.round,
    );
  const partial = turnCommitted ? undefined : await readPartialTurn(manager, runId, run.round);
  return {
    runId,
    sessionId: run.session_id,
    owner: run.owner,
    generation,
    kind: run.kind,
    options: run.options,
    round: run.round,
    attempt: run.attempt,
    toolCallCount: run.tool_call_count,
    activeMs: Number(run.active_ms),
    usage: run.usage ?? NO_USAGE,
    cancelRequestedBy: run.cancel_requested_by,
    messages: [
      { role: 'system', content: run.system_prompt ?? DEFAULT_SYSTEM_PROMPT },
      ...messages.flatMap((message) => toChatMessage(message)),
    ],
    turnStart: turnStartOf(messages, runId),
    context,
    turnCommitted,
    finishReason: run.finish_reason,
    calls: calls.filter((call) => call.round === run.round).map(toCallSnapshot),
    pastCalls: calls.map(toPastCall),
    partial,
    steering,
  };
}

/** The place of the message that the run works on, after the system message; what steered the run since belongs to it. */
function turnStartOf(messages: readonly MessageRecord[], runId: string): number {
  const first = messages.findIndex((message) => message.role === 'user' && message.run_id === runId);
  const index = first === -1 ? messages.findLastIndex((message) => message.role === 'user') : first;
  return Math.max(index, 0) + 1;
}

function toChatMessage(row: MessageRecord): SnapshotMessage[] {
  switch (row.role) {
    case 'user':
      return [
        {
          role: 'user',
          content: row.content,
          ...(row.file_ids === null ? {} : { shows: { from: 'files', fileIds: row.file_ids } }),
        },
      ];
    case 'assistant':
      return [
        {
          role: 'assistant',
          content: row.content,
          ...(row.reasoning === null ? {} : { reasoning: row.reasoning }),
          toolCalls: (row.tool_calls ?? []).map(withoutBrokenArguments),
        },
      ];
    case 'tool':
      return [
        {
          role: 'tool',
          toolCallId: row.tool_call_id ?? '',
          name: row.name ?? '',
          content: row.content,
          ...(row.has_pictures ? { shows: { from: 'pictures', callId: row.tool_call_id ?? '' } } : {}),
        },
      ];
    default:
      return row.role satisfies never;
  }
}

/** A malformed call is answered, but not shown to the model again in its broken form. */
function withoutBrokenArguments(call: ToolCallRequest): ToolCallRequest {
  try {
    JSON.parse(call.arguments);
    return call;
  } catch {
    return { ...call, arguments: '{}' };
  }
}

function toPastCall(row: CallRecord): PastCall {
  return {
    round: row.round,
    index: row.index,
    name: row.name,
    argumentsHash: row.arguments_hash,
    state: row.state,
    resultContent: row.result_content ?? '',
  };
}
