import type { ChunkLogprobs, PayloadOf } from './event.js';

type Chunk = PayloadOf<'chunk'>;
type Output = PayloadOf<'agentic_tool_output'>;
type Raw = PayloadOf<'raw'>;
type ExpertChunk = PayloadOf<'expert_chunk'>;
type Delta = Chunk['choices'][number]['delta'];

/** What comes in small pieces and is committed in groups. */
export type ChunkPayload = Chunk | Output | Raw | ExpertChunk;

const UNITS_OF_LOGPROB = 64;
const UNITS_OF_RAW = 16;

/** The length of a piece's text, in UTF-16 units. */
export function unitsOf(payload: ChunkPayload): number {
  if (payload.type === 'raw') return 0;
  if (payload.type === 'agentic_tool_output') return payload.text.length;
  return textOf(payload.type === 'chunk' ? payload.choices[0]?.delta : payload.delta).length;
}

/**
 * Adds a piece to those that wait, joined to the one it goes on from. A council's experts speak at the same time: a
 * piece of one goes past those of the others, but never past its own or past anything else.
 */
export function appendChunk(waiting: ChunkPayload[], next: ChunkPayload): void {
  const isOthers = (piece: ChunkPayload): boolean =>
    next.type === 'expert_chunk' && piece.type === 'expert_chunk' && piece.expert !== next.expert;
  const place = waiting.findLastIndex((piece) => !isOthers(piece));
  const last = waiting[place];
  const merged = last && mergeChunks(last, next);
  if (merged) waiting[place] = merged;
  else waiting.push(next);
}

/** About how much a piece takes while it waits, in the same units. */
export function weightOf(payload: ChunkPayload): number {
  if (payload.type === 'raw') {
    return payload.tokens.reduce((sum, { ids }) => sum + ids.length * UNITS_OF_RAW, 0);
  }
  const logprobs = payload.type === 'chunk' ? payload.choices[0]?.logprobs : undefined;
  const tokens = [...(logprobs?.content ?? []), ...(logprobs?.reasoning_content ?? [])];
  const entries = tokens.reduce((sum, token) => sum + 1 + token.top_logprobs.length, 0);
  return unitsOf(payload) + entries * UNITS_OF_LOGPROB;
}

/** Both as one, when `next` goes on exactly where `last` ends on the same channel; undefined otherwise. */
export function mergeChunks(last: ChunkPayload, next: ChunkPayload): ChunkPayload | undefined {
  if (last.type === 'raw' || next.type === 'raw') return undefined;
  if (last.offset + unitsOf(last) !== next.offset) return undefined;
  if (last.type === 'chunk' && next.type === 'chunk') return mergeModelChunks(last, next);
  if (last.type === 'agentic_tool_output' && next.type === 'agentic_tool_output')
    return mergeOutputs(last, next);
  if (last.type === 'expert_chunk' && next.type === 'expert_chunk') return mergeExperts(last, next);
  return undefined;
}

function mergeExperts(last: ExpertChunk, next: ExpertChunk): ExpertChunk | undefined {
  if (last.expert !== next.expert || last.round !== next.round || last.attempt !== next.attempt)
    return undefined;
  if (next.delta.role !== undefined) return undefined;
  const delta = mergeDeltas(last.delta, next.delta);
  return delta && { ...last, delta };
}

function mergeOutputs(last: Output, next: Output): Output | undefined {
  if (last.tool_call_id !== next.tool_call_id || last.stream !== next.stream) return undefined;
  return { ...last, text: last.text + next.text };
}

function mergeModelChunks(last: Chunk, next: Chunk): Chunk | undefined {
  if (last.round !== next.round || last.attempt !== next.attempt) return undefined;
  const [a, b] = [last.choices[0], next.choices[0]];
  if (!a || !b || a.finish_reason !== null || b.delta.role !== undefined) return undefined;
  const delta = mergeDeltas(a.delta, b.delta);
  const logprobs = joinLogprobs(a.logprobs, b.logprobs);
  return (
    delta && {
      ...last,
      choices: [{ index: a.index, delta, ...(logprobs && { logprobs }), finish_reason: b.finish_reason }],
    }
  );
}

function joinLogprobs(a: ChunkLogprobs | undefined, b: ChunkLogprobs | undefined): ChunkLogprobs | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const joint = (key: keyof ChunkLogprobs) => {
    const tokens = [...(a[key] ?? []), ...(b[key] ?? [])];
    return tokens.length === 0 ? {} : { [key]: tokens };
  };
  return { ...joint('reasoning_content'), ...joint('content') };
}

function mergeDeltas(a: Delta, b: Delta): Delta | undefined {
  if (a.content !== undefined && b.content !== undefined) return { ...a, content: a.content + b.content };
  if (a.reasoning_content !== undefined && b.reasoning_content !== undefined) {
    return { ...a, reasoning_content: a.reasoning_content + b.reasoning_content };
  }
  const [callA, callB] = [a.tool_calls?.[0], b.tool_calls?.[0]];
  // A piece with an id begins another call.
  if (!callA || !callB || callA.index !== callB.index || callB.id !== undefined) return undefined;
  const json = textOf(a) + textOf(b);
  return { ...a, tool_calls: [{ ...callA, function: { ...callA.function, arguments: json } }] };
}

/** A delta carries one channel: content, reasoning, or the arguments of one call. */
function textOf(delta: Delta | undefined): string {
  return delta?.content ?? delta?.reasoning_content ?? delta?.tool_calls?.[0]?.function.arguments ?? '';
}
