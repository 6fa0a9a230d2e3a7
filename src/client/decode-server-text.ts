import { z } from 'zod';
import { eventEnvelopeSchema } from '../events/event.js';
import { serverFrameSchema, wireEventSchema } from '../gateway/frames.js';
import type { LiveFrame, ServerFrame, SnapshotFrame, WireEvent } from '../gateway/frames.js';

export type StreamItem = WireEvent | LiveFrame | SnapshotFrame;

export type ServerText =
  | { readonly type: 'answer'; readonly answer: Extract<ServerFrame, { type: 'ack' | 'error' }> }
  | { readonly type: 'item'; readonly sessionId: string; readonly item: StreamItem }
  /** An event of a newer server: it takes its place in the order and is shown to nobody. */
  | {
      readonly type: 'unknown_event';
      readonly sessionId: string;
      readonly firstSeq: number;
      readonly seq: number;
    }
  | { readonly type: 'unreadable' };

const unknownEventSchema = eventEnvelopeSchema
  .pick({ seq: true, session_id: true })
  .extend({ first_seq: z.number().int().optional() });

const FRAME_TYPES: ReadonlySet<unknown> = new Set(['ack', 'error', 'live', 'snapshot']);

/** Total: a server that says nonsense breaks nothing. */
export function decodeServerText(text: string): ServerText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: 'unreadable' };
  }
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (FRAME_TYPES.has(type)) return decodeFrame(value);
  const event = wireEventSchema.safeParse(value);
  if (event.success) return { type: 'item', sessionId: event.data.session_id, item: event.data as WireEvent };
  const unknown = unknownEventSchema.safeParse(value);
  if (!unknown.success) return { type: 'unreadable' };
  const { seq, session_id: sessionId, first_seq: firstSeq = seq } = unknown.data;
  return { type: 'unknown_event', sessionId, firstSeq, seq };
}

function decodeFrame(value: unknown): ServerText {
  const parsed = serverFrameSchema.safeParse(value);
  if (!parsed.success) return { type: 'unreadable' };
  const frame = parsed.data;
  if (frame.type === 'ack' || frame.type === 'error') return { type: 'answer', answer: frame };
  return { type: 'item', sessionId: frame.session_id, item: frame };
}
