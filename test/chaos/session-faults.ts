import { type GantryEvent, isTerminalEvent } from '../../src/events/event.js';
import { mergeEvents } from '../../src/gateway/merge-events.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import type { StoredSession } from './stored-session.js';
import { EXECUTION_MARK } from './workload.js';

const ENDED = new Set(['completed', 'failed', 'cancelled']);
const EFFECTFUL = new Set(['python', 'terminal', 'javascript']);

/** Sentences on all that is wrong with a session whose runs have ended; empty when nothing is. */
export function findFaults(
  stored: StoredSession,
  collected: readonly WireEvent[],
  killedAt: readonly number[],
): string[] {
  return [
    ...seqFaults(stored),
    ...collectionFaults(stored, collected),
    ...runFaults(stored),
    ...historyFaults(stored),
    ...textFaults(stored),
    ...outputFaults(stored),
    ...callFaults(stored, killedAt),
  ].map((fault) => `${stored.id}: ${fault}`);
}

function seqFaults({ events, lastSeq }: StoredSession): string[] {
  const odd = events.findIndex((event, index) => event.seq !== index + 1);
  return [
    ...(odd === -1 ? [] : [`the log is not dense at place ${odd + 1}: seq ${events[odd]?.seq}`]),
    ...(events.length === lastSeq
      ? []
      : [`the counter says ${lastSeq}, the log has ${events.length} events`]),
  ];
}

/** Each collected event is the stored one, or stands for a row of stored ones. */
function collectionFaults({ events }: StoredSession, collected: readonly WireEvent[]): string[] {
  const faults: string[] = [];
  let next = 1;
  for (const event of collected) {
    const first = event.first_seq ?? event.seq;
    if (first !== next) faults.push(`the client was given ${first} after ${next - 1}`);
    const stored = joined(events.slice(first - 1, event.seq));
    if (JSON.stringify(bare(stored)) !== JSON.stringify(bare(event)))
      faults.push(`event ${first}..${event.seq} (${event.type}) reached the client changed`);
    next = event.seq + 1;
  }
  if (next !== events.length + 1) faults.push(`the client has ${next - 1} of ${events.length} events`);
  return faults;
}

function joined([first, ...rest]: readonly GantryEvent[]): WireEvent | undefined {
  return rest.reduce<WireEvent | undefined>((merged, event) => merged && mergeEvents(merged, event), first);
}

/** Without what the wire adds: the seqs it joined, and the bodies of small files. */
function bare(event: WireEvent | undefined): unknown {
  if (event === undefined) return undefined;
  const { first_seq: _, ...rest } = event;
  const body =
    rest.type === 'file'
      ? { ...rest, file: { id: rest.file.id, name: rest.file.name, bytes: rest.file.bytes } }
      : rest;
  return sortKeys(body);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

function runFaults({ runs, events }: StoredSession): string[] {
  return runs.flatMap((run) => {
    const own = events.filter((event) => event.run_id === run.id);
    const endings = own.filter(isTerminalEvent);
    const last = own.at(-1);
    return [
      ...(ENDED.has(run.state) ? [] : [`run ${run.id} is ${run.state}`]),
      ...(endings.length === 1 ? [] : [`run ${run.id} has ${endings.length} terminal events`]),
      ...(last && isTerminalEvent(last) ? [] : [`the last event of run ${run.id} is ${last?.type}`]),
    ];
  });
}

/** Each call has its one result, right after the message that made it, in call order; no result is alone. */
function historyFaults({ messages }: StoredSession): string[] {
  const faults: string[] = [];
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      const expected = open.shift();
      if (message.tool_call_id !== expected)
        faults.push(`a result of ${message.tool_call_id} stands where that of ${expected} belongs`);
      continue;
    }
    if (open.length > 0) faults.push(`calls without result: ${open.join(', ')}`);
    open = (message.tool_calls ?? []).map((call) => call.id);
  }
  if (open.length > 0) faults.push(`calls without result: ${open.join(', ')}`);
  return faults;
}

interface FoldedRound {
  content: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
}

/** What a reader has on the screen is what was committed, and no piece overlapped another or left a gap. */
function textFaults(stored: StoredSession): string[] {
  const faults: string[] = [];
  const rounds = new Map<string, FoldedRound>();
  for (const event of stored.events) {
    if (event.type !== 'chunk' && event.type !== 'stream_reset') continue;
    const key = `${event.run_id} round ${event.round}`;
    const round = rounds.get(key) ?? { content: '', reasoning: '', calls: [] };
    rounds.set(key, round);
    if (event.type === 'stream_reset') {
      if (event.to_offset > round.content.length || event.to_reasoning_offset > round.reasoning.length)
        faults.push(`${key}: a reset past the end at seq ${event.seq}`);
      round.content = round.content.slice(0, event.to_offset);
      round.reasoning = round.reasoning.slice(0, event.to_reasoning_offset);
      round.calls = [];
    } else if (!addPiece(round, event)) faults.push(`${key}: a piece does not join up at seq ${event.seq}`);
  }
  for (const message of stored.messages.filter(({ role }) => role === 'assistant')) {
    const key = `${message.run_id} round ${message.round}`;
    const seen = rounds.get(key);
    if (seen?.content !== message.content) faults.push(`${key}: the streamed text is not the committed one`);
    if (message.reasoning !== null && seen?.reasoning !== message.reasoning)
      faults.push(`${key}: the streamed reasoning is not the committed one`);
    const streamed = JSON.stringify(
      seen?.calls.map(({ id, name, arguments: json }) => [id, name, json]) ?? [],
    );
    const committed = (message.tool_calls ?? []).map(({ id, name, arguments: json }) => [id, name, json]);
    if (committed.length > 0 && streamed !== JSON.stringify(committed))
      faults.push(
        `${key}: the streamed calls are not the committed ones: ${streamed} / ${JSON.stringify(committed)}`,
      );
  }
  return faults;
}

function addPiece(round: FoldedRound, event: Extract<GantryEvent, { type: 'chunk' }>): boolean {
  const delta = event.choices[0]?.delta;
  if (delta?.content !== undefined) {
    if (event.offset !== round.content.length) return false;
    round.content += delta.content;
  }
  if (delta?.reasoning_content !== undefined) {
    if (event.offset !== round.reasoning.length) return false;
    round.reasoning += delta.reasoning_content;
  }
  for (const piece of delta?.tool_calls ?? []) {
    const { name, arguments: text = '' } = piece.function;
    const call = (round.calls[piece.index] ??= { id: piece.id ?? '', name: name ?? '', arguments: '' });
    if (event.offset !== call.arguments.length) return false;
    call.arguments += text;
  }
  return true;
}

/** What a call printed joins up from its first character on; an effectful call was executed once at most. */
function outputFaults({ events, calls }: StoredSession): string[] {
  return calls.flatMap((call) => {
    const faults: string[] = [];
    const written = { stdout: '', stderr: '' };
    for (const event of events) {
      if (event.type !== 'agentic_tool_output' || event.tool_call_id !== call.id) continue;
      if (event.offset !== written[event.stream].length)
        faults.push(`the output of ${call.name} ${call.id} does not join up at seq ${event.seq}`);
      written[event.stream] += event.text;
    }
    const executions = written.stdout.split(EXECUTION_MARK).length - 1;
    if (executions > 1) faults.push(`${call.name} ${call.id} was executed ${executions} times`);
    if (call.attempt > 1 && EFFECTFUL.has(call.name))
      faults.push(`${call.name} ${call.id} was started ${call.attempt} times`);
    return faults;
  });
}

/** Doubt is only for calls that a kill hit. */
function callFaults({ calls }: StoredSession, killedAt: readonly number[]): string[] {
  return calls
    .filter((call) => call.state === 'in_doubt')
    .filter(({ started_at: start, finished_at: end }) => {
      const wasHit = killedAt.some(
        (at) => start !== null && end !== null && start.getTime() <= at + 50 && at <= end.getTime(),
      );
      return !wasHit;
    })
    .map((call) => `${call.name} ${call.id} is in doubt though nothing was killed while it ran`);
}
