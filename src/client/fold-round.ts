import type { PayloadOf } from '../events/event.js';
import { joinAt } from './join-at.js';
import type { CallEntry, RoundEntry, RunEntry, TurnEntry } from './transcript.js';

type Delta = PayloadOf<'expert_chunk'>['delta'];
type ToolCallDelta = NonNullable<Delta['tool_calls']>[number];

export function patchRound(
  run: RunEntry,
  number: number,
  patch: (round: RoundEntry) => RoundEntry,
): RunEntry {
  const index = run.rounds.findIndex(({ round }) => round === number);
  const known = run.rounds[index];
  if (known !== undefined) return { ...run, rounds: run.rounds.with(index, patch(known)) };
  const rounds = [
    ...run.rounds,
    patch({ round: number, content: '', reasoning: '', calls: [], council: null }),
  ];
  return { ...run, rounds: rounds.sort((a, b) => a.round - b.round) };
}

/** The call with this id; else a new one. */
export function patchCall(
  round: RoundEntry,
  callId: string,
  patch: (call: CallEntry) => CallEntry,
): RoundEntry {
  const index = round.calls.findIndex((call) => call.tool_call_id === callId);
  const known = round.calls[index];
  if (known !== undefined) return { ...round, calls: round.calls.with(index, patch(known)) };
  return { ...round, calls: [...round.calls, patch(emptyCall(callId, null))] };
}

export function applyChunk(round: RoundEntry, chunk: PayloadOf<'chunk'>): RoundEntry {
  let next = round;
  for (const { delta } of chunk.choices) next = applyDelta(next, delta, chunk.offset);
  return next;
}

export function applyDelta<T extends TurnEntry>(turn: T, delta: Delta, offset: number): T {
  let next = turn;
  if (delta.content !== undefined) next = { ...next, content: joinAt(next.content, offset, delta.content) };
  if (delta.reasoning_content !== undefined)
    next = { ...next, reasoning: joinAt(next.reasoning, offset, delta.reasoning_content) };
  for (const call of delta.tool_calls ?? [])
    next = { ...next, calls: applyCallDelta(next.calls, call, offset) };
  return next;
}

/** What was written past the offsets is taken back; calls that were not started come again if they hold. */
export function resetStream(round: RoundEntry, event: PayloadOf<'stream_reset'>): RoundEntry {
  return {
    ...round,
    content: round.content.slice(0, event.to_offset),
    reasoning: round.reasoning.slice(0, event.to_reasoning_offset),
    calls: round.calls.filter((call) => call.phase !== 'drafting').map((call) => ({ ...call, index: null })),
  };
}

function applyCallDelta(
  calls: readonly CallEntry[],
  delta: ToolCallDelta,
  offset: number,
): readonly CallEntry[] {
  const place = calls.findIndex(
    (call) => call.index === delta.index || (delta.id !== undefined && call.tool_call_id === delta.id),
  );
  const known = calls[place] ?? emptyCall(delta.id ?? null, delta.index);
  const call: CallEntry = {
    ...known,
    index: delta.index,
    tool_call_id: delta.id ?? known.tool_call_id,
    name: delta.function.name ?? known.name,
    arguments_text: joinAt(known.arguments_text, offset, delta.function.arguments ?? ''),
  };
  return place === -1 ? [...calls, call] : calls.with(place, call);
}

function emptyCall(callId: string | null, index: number | null): CallEntry {
  return {
    tool_call_id: callId,
    parent_tool_call_id: null,
    index,
    name: '',
    arguments_text: '',
    arguments: null,
    phase: 'drafting',
    status: null,
    queue_position: null,
    data: null,
    stdout: '',
    stderr: '',
    approval: null,
    file_ids: [],
  };
}
