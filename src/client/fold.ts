import { type CouncilPayload, isCouncilPayload } from '../events/council-payloads.js';
import type { WireEvent } from '../gateway/frames.js';
import type { StreamItem } from './decode-server-text.js';
import { applyChunk, patchCall, patchRound, resetStream } from './fold-round.js';
import { applyToCouncil } from './fold-council.js';
import { applyNotice, isNotice, type Notice } from './fold-notices.js';
import { joinAt } from './join-at.js';
import { EMPTY_TRANSCRIPT } from './transcript.js';
import type { CallEntry, RoundEntry, RunEntry, Transcript } from './transcript.js';

/**
 * Pure. The same events give the same transcript however they were cut, merged or repeated on the way:
 * `fold(replay)` equals `fold(live)`.
 */
export function fold(items: Iterable<StreamItem>, start: Transcript = EMPTY_TRANSCRIPT): Transcript {
  let transcript = start;
  for (const item of items) transcript = applyItem(transcript, item);
  return transcript;
}

export function applyItem(transcript: Transcript, item: StreamItem): Transcript {
  if (item.type === 'live') return transcript;
  if (item.seq <= transcript.seq) return transcript;
  if (item.type === 'snapshot') return { seq: item.seq, entries: [], snapshot: item.session };
  if (item.type === 'message') {
    const { message_id, content } = item;
    const entries = [...transcript.entries, { type: 'message' as const, message_id, content }];
    return { ...transcript, seq: item.seq, entries };
  }
  if (item.run_id === null) return { ...transcript, seq: item.seq };
  const { run_id: runId } = item;
  const index = transcript.entries.findLastIndex((entry) => entry.type === 'run' && entry.run_id === runId);
  const known = transcript.entries[index];
  const run = applyToRun(known?.type === 'run' ? known : emptyRun(runId), item);
  const entries = index === -1 ? [...transcript.entries, run] : transcript.entries.with(index, run);
  return { ...transcript, seq: item.seq, entries };
}

function emptyRun(runId: string): RunEntry {
  return {
    type: 'run',
    run_id: runId,
    phase: 'queued',
    model: null,
    rounds: [],
    files: [],
    notices: [],
    compactions: [],
    stop_reason: null,
    usage: null,
    error: null,
  };
}

function applyToRun(run: RunEntry, event: Exclude<WireEvent, { type: 'message' }>): RunEntry {
  if (isNotice(event)) return applyNotice(run, event);
  if (!isCouncilPayload(event)) return applyToAnswer(run, event);
  const patch = (round: RoundEntry) => ({ ...round, council: applyToCouncil(round.council, event) });
  return patchRound(run, event.round, patch);
}

function applyToAnswer(
  run: RunEntry,
  event: Exclude<WireEvent, CouncilPayload | Notice | { type: 'message' }>,
): RunEntry {
  switch (event.type) {
    case 'run_queued':
      return { ...run, phase: 'queued' };
    case 'run_started':
      return { ...run, phase: 'running', model: event.model };
    case 'run_waiting':
      return { ...run, phase: 'waiting' };
    case 'chunk':
      return patchRound(run, event.round, (round) => applyChunk(round, event));
    case 'stream_reset':
      return patchRound(run, event.round, (round) => resetStream(round, event));
    case 'agentic_tool_call_progress':
    case 'agentic_tool_output':
    case 'agentic_tool_approval_required':
    case 'client_tool_call':
    case 'tool_call_cancelled':
      return patchRound(run, event.round, (round) =>
        patchCall(round, event.tool_call_id, (call) => applyToCall(call, event)),
      );
    case 'agentic_tool_approval_resolved':
      return applyDecision(run, event);
    case 'file':
      return applyFile(run, event);
    case 'raw':
      return run;
    case 'done':
      return endedBy(run, event.response, null);
    case 'model_error':
      return endedBy(run, event.incomplete_response, event.message);
    case 'validation_error':
    case 'internal_error':
      return { ...run, phase: 'ended', stop_reason: 'error', error: event.message };
    default:
      return event satisfies never;
  }
}

type CallEvent = Extract<
  WireEvent,
  {
    type:
      | 'agentic_tool_call_progress'
      | 'agentic_tool_output'
      | 'agentic_tool_approval_required'
      | 'client_tool_call'
      | 'tool_call_cancelled';
  }
>;

function applyToCall(call: CallEntry, event: CallEvent): CallEntry {
  switch (event.type) {
    case 'agentic_tool_call_progress': {
      const { tool_name: name, data, queue_position: position = 0 } = event;
      const queue_position = position > 0 ? position : null;
      const parent_tool_call_id = event.parent_tool_call_id ?? null;
      const named = { ...call, name, data, queue_position, parent_tool_call_id };
      if (event.phase === 'calling') return { ...named, phase: 'calling' };
      return { ...named, phase: 'complete', status: event.status ?? null };
    }
    case 'agentic_tool_output':
      return { ...call, [event.stream]: joinAt(call[event.stream], event.offset, event.text) };
    case 'agentic_tool_approval_required': {
      const { approval_id, expires_at } = event;
      const approval = { approval_id, expires_at, decision: null, decided_by: null, message: null };
      return {
        ...call,
        name: event.tool_name,
        arguments: event.arguments,
        phase: 'awaiting_approval',
        approval,
      };
    }
    case 'client_tool_call':
      return { ...call, name: event.tool_name, arguments: event.arguments, phase: 'calling' };
    case 'tool_call_cancelled':
      return { ...call, phase: 'cancelled' };
    default:
      return event satisfies never;
  }
}

/** The event does not say the round: the call is found by its id. */
function applyDecision(
  run: RunEntry,
  event: Extract<WireEvent, { type: 'agentic_tool_approval_resolved' }>,
): RunEntry {
  const { decision, decided_by, message } = event;
  return patchCallById(run, event.tool_call_id, (call) => ({
    ...call,
    phase: call.phase === 'awaiting_approval' ? 'calling' : call.phase,
    approval: {
      approval_id: event.approval_id,
      expires_at: call.approval?.expires_at ?? null,
      decision,
      decided_by,
      message,
    },
  }));
}

function applyFile(run: RunEntry, event: Extract<WireEvent, { type: 'file' }>): RunEntry {
  const withFile = { ...run, files: [...run.files, event.file] };
  if (event.tool_call_id === undefined) return withFile;
  return patchCallById(withFile, event.tool_call_id, (call) => ({
    ...call,
    file_ids: [...call.file_ids, event.file.id],
  }));
}

function patchCallById(run: RunEntry, callId: string, patch: (call: CallEntry) => CallEntry): RunEntry {
  const round = run.rounds.findLast(({ calls }) => calls.some((call) => call.tool_call_id === callId));
  if (round === undefined) return run;
  return patchRound(run, round.round, (known) => patchCall(known, callId, patch));
}

function endedBy(
  run: RunEntry,
  response: Extract<WireEvent, { type: 'done' }>['response'],
  error: string | null,
): RunEntry {
  const { stop_reason, usage, model } = response;
  return { ...run, phase: 'ended', model, stop_reason, usage, error };
}
