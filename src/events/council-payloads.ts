import { z } from 'zod';
import { deltaSchema, usageSchema } from './model-output.js';

const failureSchema = z.object({ code: z.string(), message: z.string() });

/** What a council tells beside its answer. None of it is part of the conversation. */
export const councilPayloads = [
  /** Begins a round's council, and begins it anew for each `attempt`. */
  z.object({
    type: z.literal('council_started'),
    round: z.number().int(),
    attempt: z.number().int(),
    strategy: z.enum(['first', 'vote', 'judge', 'merge']),
    /** Models, in the order by which the other events number them, from 0. */
    experts: z.array(z.string()),
    /** Who judges or merges. */
    judge: z.string().nullable(),
  }),
  /** Like a chunk; `offset` counts in this expert's own channel. */
  z.object({
    type: z.literal('expert_chunk'),
    round: z.number().int(),
    attempt: z.number().int(),
    expert: z.number().int(),
    offset: z.number().int(),
    delta: deltaSchema,
  }),
  /** One for each expert; with an `error` it has no say. */
  z.object({
    type: z.literal('expert_done'),
    round: z.number().int(),
    attempt: z.number().int(),
    expert: z.number().int(),
    finish_reason: z.string().nullable(),
    error: failureSchema.nullable(),
    /** Null where it did not tell. */
    usage: usageSchema.nullable(),
  }),
  /** Comes before the answer. */
  z.object({
    type: z.literal('council_decided'),
    round: z.number().int(),
    attempt: z.number().int(),
    by: z.enum(['first', 'vote', 'judge', 'merge', 'only_answer', 'unanimous']),
    /** The expert whose turn it is; null: it is written anew. */
    chosen: z.number().int().nullable(),
    /** How many gave this turn, where they were counted. */
    votes: z.number().int().nullable(),
    /** Why the judge had no say, so that a vote decided. */
    judge_error: failureSchema.nullable(),
  }),
] as const;

const councilPayloadSchema = z.union(councilPayloads);
export type CouncilPayload = z.infer<typeof councilPayloadSchema>;

const TYPES: ReadonlySet<string> = new Set(councilPayloads.map(({ shape }) => shape.type.value));

export function isCouncilPayload<T extends { readonly type: string }>(
  event: T,
): event is Extract<T, { readonly type: CouncilPayload['type'] }> {
  return TYPES.has(event.type);
}
