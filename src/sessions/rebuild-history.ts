import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import { isRunOpen } from '../runs/run-state.js';
import { isFinalToolCallState } from '../runs/tool-call-state.js';
import { MISSING_RESULT, withWholePairs } from './history-turns.js';
import type { ExportedMessage, ExportedRun, ExportedToolCall, SessionHistory } from './session-export.js';

/** A history that is not yet anyone's, with the file ids that its calls are to name. */
export interface HistorySource extends SessionHistory {
  /** File ids as the history has them, to those they have now; others are left out. */
  readonly fileIds: ReadonlyMap<string, string>;
}

/**
 * The same past under fresh ids, whole and at rest: every call has a record and a result, no run is open.
 * Ids of the source are never kept, so a history can be imported beside its origin. Throws
 * `invalid_request` with reason `bad_export`.
 */
export function rebuildHistory(source: HistorySource): SessionHistory {
  const runIds = freshIds(source.runs, 'runs', 'run');
  const callIds = freshIds(source.tool_calls, 'tool_calls', 'call');
  const whole = withWholePairs(source.messages);
  requireOneTurnPerRound(source.messages, runIds);
  const recovered = new RecoveredCalls();
  const runs = source.runs.map((run) => settleRun(run, runIds));
  const calls = source.tool_calls.map((call, index) =>
    settleCall(call, index, { ...source, runIds, callIds }),
  );
  const messages = whole.map((message) => {
    const runId = message.run_id === null ? null : (runIds.get(message.run_id) ?? null);
    for (const call of message.tool_calls ?? []) {
      if (!callIds.has(call.id)) callIds.set(call.id, recovered.add(call, message, runId));
    }
    return renameMessage(message, runId, callIds, source.fileIds);
  });
  return {
    messages,
    runs: [...runs, ...recovered.runs],
    tool_calls: [...calls, ...recovered.calls],
  };
}

/** Calls that the messages show and the records lack. */
class RecoveredCalls {
  readonly runs: ExportedRun[] = [];
  readonly calls: ExportedToolCall[] = [];

  add(call: { name: string; arguments: string }, message: ExportedMessage, runId: string | null): string {
    const id = newId('call');
    this.calls.push({
      id,
      run_id: runId ?? this.runFor(message),
      round: message.round ?? 0,
      name: call.name,
      arguments: call.arguments,
      status: 'succeeded',
      result_content: null,
      result_data: null,
      result_images_base64: null,
      file_ids: [],
      created_at: message.created_at,
      started_at: null,
      finished_at: message.created_at,
    });
    return id;
  }

  private runFor(message: ExportedMessage): string {
    const [existing] = this.runs;
    if (existing !== undefined) return existing.id;
    const id = newId('run');
    this.runs.push({
      id,
      kind: 'chat',
      state: 'completed',
      stop_reason: 'stop',
      round: 0,
      usage: null,
      error: null,
      message_id: null,
      created_at: message.created_at,
      started_at: message.created_at,
      finished_at: message.created_at,
    });
    return id;
  }
}

function freshIds(
  records: readonly { readonly id: string }[],
  field: string,
  prefix: 'run' | 'call',
): Map<string, string> {
  const ids = new Map<string, string>();
  for (const [index, record] of records.entries()) {
    if (ids.has(record.id)) throw badExport(`${field}[${index}].id`, 'is there twice');
    ids.set(record.id, newId(prefix));
  }
  return ids;
}

/** A run says one thing in each of its rounds. */
function requireOneTurnPerRound(
  messages: readonly ExportedMessage[],
  runIds: ReadonlyMap<string, string>,
): void {
  const taken = new Set<string>();
  for (const [index, { role, run_id: runId, round }] of messages.entries()) {
    if (role !== 'assistant' || round === null || runId === null || !runIds.has(runId)) continue;
    const turn = `${round} ${runId}`;
    if (taken.has(turn)) throw badExport(`messages[${index}].round`, 'is there twice in its run');
    taken.add(turn);
  }
}

function settleRun(run: ExportedRun, runIds: ReadonlyMap<string, string>): ExportedRun {
  const open = isRunOpen(run.state);
  return {
    ...run,
    id: runIds.get(run.id) ?? run.id,
    state: open ? 'cancelled' : run.state,
    stop_reason: open ? 'cancelled' : run.stop_reason,
    message_id: null,
    finished_at: run.finished_at ?? run.started_at ?? run.created_at,
  };
}

function settleCall(
  call: ExportedToolCall,
  index: number,
  ids: {
    readonly runIds: ReadonlyMap<string, string>;
    readonly callIds: ReadonlyMap<string, string>;
    readonly fileIds: ReadonlyMap<string, string>;
  },
): ExportedToolCall {
  const runId = ids.runIds.get(call.run_id);
  if (runId === undefined) throw badExport(`tool_calls[${index}].run_id`, 'names no run of `runs`');
  const final = isFinalToolCallState(call.status);
  return {
    ...call,
    id: ids.callIds.get(call.id) ?? call.id,
    run_id: runId,
    parent_id: parentOf(call, ids.callIds),
    status: final ? call.status : 'cancelled',
    result_content: final ? call.result_content : MISSING_RESULT,
    file_ids: call.file_ids.flatMap((fileId) => ids.fileIds.get(fileId) ?? []),
    finished_at: call.finished_at ?? call.started_at ?? call.created_at,
  };
}

/** Fresh ids stand in the order of their records, and a call comes after the one whose code made it. */
function parentOf(call: ExportedToolCall, callIds: ReadonlyMap<string, string>): string | null {
  const parent = callIds.get(call.parent_id ?? '');
  return parent !== undefined && parent < (callIds.get(call.id) ?? '') ? parent : null;
}

function renameMessage(
  message: ExportedMessage,
  runId: string | null,
  callIds: ReadonlyMap<string, string>,
  fileIds: ReadonlyMap<string, string>,
): ExportedMessage {
  const isAssistant = message.role === 'assistant';
  return {
    ...message,
    id: newId('msg'),
    run_id: runId,
    reasoning: isAssistant ? message.reasoning : null,
    tool_calls: isAssistant
      ? (message.tool_calls?.map((call) => ({ ...call, id: callIds.get(call.id) ?? call.id })) ?? null)
      : null,
    tool_call_id: message.role === 'tool' ? (callIds.get(message.tool_call_id ?? '') ?? null) : null,
    file_ids: message.role === 'user' ? message.file_ids.flatMap((id) => fileIds.get(id) ?? []) : [],
  };
}

function badExport(param: string, problem: string): DomainError {
  return new DomainError('invalid_request', `\`${param}\` ${problem}.`, { reason: 'bad_export', param });
}
