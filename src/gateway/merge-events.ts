import type { GantryEvent, PayloadOf } from '../events/event.js';
import type { WireEvent } from './frames.js';

type Delta = PayloadOf<'expert_chunk'>['delta'];

/** A merged event carries at most about this much text, so that one frame never grows without end. */
const MAX_MERGED_UNITS = 64 * 1024;

interface TextPiece {
  /** Pieces join only within one channel. */
  readonly channel: string;
  readonly offset: number;
  readonly text: string;
}

/**
 * `next` joined to `previous` if together they say exactly what both said apart, else undefined: seqs and
 * offsets must touch, and the channel must be the same.
 */
export function mergeEvents(previous: WireEvent, next: GantryEvent): WireEvent | undefined {
  if (next.seq !== previous.seq + 1 || next.session_id !== previous.session_id) return undefined;
  const first = pieceOf(previous);
  const second = pieceOf(next);
  if (first === undefined || second === undefined || first.channel !== second.channel) return undefined;
  if (second.offset !== first.offset + first.text.length) return undefined;
  if (first.text.length + second.text.length > MAX_MERGED_UNITS) return undefined;
  const joined = withText(previous, first.text + second.text, next);
  return { ...joined, first_seq: previous.first_seq ?? previous.seq, seq: next.seq, ts: next.ts };
}

function pieceOf(event: WireEvent): TextPiece | undefined {
  if (event.type === 'agentic_tool_output') {
    const channel = JSON.stringify([event.run_id, event.round, event.tool_call_id, event.stream]);
    return { channel, offset: event.offset, text: event.text };
  }
  if (event.type === 'expert_chunk') {
    const channel = JSON.stringify([event.run_id, event.round, event.attempt, 'expert', event.expert]);
    return pieceOfDelta(event.delta, event.offset, channel);
  }
  if (event.type !== 'chunk' || event.choices.length !== 1) return undefined;
  const [choice] = event.choices;
  if (choice === undefined || choice.finish_reason !== null) return undefined;
  // Joined without end they would make a frame of megabytes.
  if (choice.logprobs !== undefined) return undefined;
  const channel = JSON.stringify([event.run_id, event.round, event.attempt, choice.index]);
  return pieceOfDelta(choice.delta, event.offset, channel);
}

function pieceOfDelta(delta: Delta, offset: number, channel: string): TextPiece | undefined {
  const { content, reasoning_content: reasoning, tool_calls: calls } = delta;
  if (calls !== undefined) return undefined;
  if (content !== undefined && reasoning === undefined)
    return { channel: `${channel} content`, offset, text: content };
  if (reasoning !== undefined && content === undefined)
    return { channel: `${channel} reasoning`, offset, text: reasoning };
  return undefined;
}

function withText(event: WireEvent, text: string, next: GantryEvent): WireEvent {
  if (event.type === 'agentic_tool_output') return { ...event, text };
  if (event.type === 'expert_chunk') return { ...event, delta: deltaWith(event.delta, text) };
  if (event.type !== 'chunk' || next.type !== 'chunk') return event;
  return {
    ...event,
    choices: event.choices.map((choice) => ({ ...choice, delta: deltaWith(choice.delta, text) })),
  };
}

function deltaWith(delta: Delta, text: string): Delta {
  return { ...delta, [delta.content === undefined ? 'reasoning_content' : 'content']: text };
}
