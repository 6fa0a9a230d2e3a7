import { z } from 'zod';
import { chosenTokenSchema, rawTokenSchema } from '../token-logprobs.js';
import { councilPayloads } from './council-payloads.js';
import { deltaSchema, usageSchema } from './model-output.js';
import { toolCallDataSchema } from './tool-call-data.js';

export const fileObjectSchema = z.object({
  id: z.string(),
  object: z.literal('file').optional(),
  name: z.string(),
  format: z.string().optional(),
  mime_type: z.string().optional(),
  bytes: z.number().int(),
  /** Unix seconds. */
  created_at: z.number().int(),
  purpose: z.string(),
  source: z.object({ tool: z.string(), round: z.number().int(), turn: z.number().int() }).optional(),
  text: z.string().optional(),
  preview: z.string().optional(),
  data_base64: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});
export type FileObject = z.infer<typeof fileObjectSchema>;

/** The tokens that a chunk's text is made of, for runs that ask for them. */
export const chunkLogprobsSchema = z.object({
  content: z.array(chosenTokenSchema).optional(),
  reasoning_content: z.array(chosenTokenSchema).optional(),
});
export type ChunkLogprobs = z.infer<typeof chunkLogprobsSchema>;

/**
 * One coalesced piece of the model's output. `offset` is where its text begins in the run's round
 * (UTF-16 units of this channel: content, reasoning, or the arguments of the call at `index`), so a
 * reader that joins late can drop what it has.
 */
export const chunkSchema = z.object({
  type: z.literal('chunk'),
  round: z.number().int(),
  attempt: z.number().int(),
  offset: z.number().int(),
  choices: z.array(
    z.object({
      index: z.number().int(),
      delta: deltaSchema,
      logprobs: chunkLogprobsSchema.optional(),
      finish_reason: z.string().nullable(),
    }),
  ),
});

export const toolIdentitySchema = z.object({
  source: z.enum(['built_in', 'user', 'mcp', 'external']),
  kind: z.enum(['code_execution', 'web_search', 'shell', 'file', 'custom', 'external']),
  label: z.string(),
});

/** Record of a finished call, in `done.agentic_tool_calls` and in an exported session. */
export const toolCallRecordSchema = z.object({
  id: z.string(),
  /** The call whose code made this one. */
  parent_id: z.string().optional(),
  round: z.number().int(),
  name: z.string(),
  arguments: z.string(),
  status: z.string(),
  result_content: z.string(),
  result_images_base64: z.array(z.string()),
  file_ids: z.array(z.string()),
});

export const stopReasonSchema = z.enum([
  'stop',
  'length',
  'tool_calls',
  'max_tool_rounds',
  'budget',
  'cancelled',
  'timeout',
  'error',
]);
export type StopReason = z.infer<typeof stopReasonSchema>;

/** `arguments` is JSON text. */
export const returnedCallSchema = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});
export type ReturnedCall = z.infer<typeof returnedCallSchema>;

export const runResponseSchema = z.object({
  id: z.string(),
  session_id: z.string(),
  model: z.string(),
  created: z.number().int(),
  choices: z.array(
    z.object({
      index: z.number().int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string(),
        reasoning_content: z.string().optional(),
        /** Calls that are the client's to answer: the run ended with them. */
        tool_calls: z.array(returnedCallSchema).optional(),
      }),
      finish_reason: z.string(),
    }),
  ),
  stop_reason: stopReasonSchema,
  usage: usageSchema,
  agentic_tool_calls: z.array(toolCallRecordSchema),
  files: z.array(fileObjectSchema),
});
export type RunResponse = z.infer<typeof runResponseSchema>;

export const interruptionCauseSchema = z.enum([
  'connection_reset',
  'idle_stall',
  'go_away',
  'provider_5xx_mid_stream',
  'resumed_from_checkpoint',
  'engine_crash',
]);

const payloads = [
  /** The user's turn, so that every viewer and every replay shows it. */
  z.object({
    type: z.literal('message'),
    message_id: z.string(),
    role: z.literal('user'),
    content: z.string(),
    /** Files that it shows to the model; absent: none. */
    file_ids: z.array(z.string()).optional(),
  }),
  z.object({ type: z.literal('run_queued'), position: z.number().int() }),
  z.object({ type: z.literal('run_started'), generation: z.number().int(), model: z.string() }),
  /** The run let go of its worker until a person or a client answers. */
  z.object({ type: z.literal('run_waiting'), waiting_for: z.enum(['approval', 'tool_result']) }),
  chunkSchema,
  /** Of runs that ask for it: every token that was made in an attempt, from its `index`-th on. */
  z.object({
    type: z.literal('raw'),
    round: z.number().int(),
    attempt: z.number().int(),
    index: z.number().int(),
    tokens: z.array(rawTokenSchema),
  }),
  ...councilPayloads,
  /** The engine failed in a way that may pass: the round's next attempt begins in `delay_ms`. */
  z.object({
    type: z.literal('inference_retry'),
    round: z.number().int(),
    /** The one that failed. */
    attempt: z.number().int(),
    code: z.string(),
    message: z.string(),
    delay_ms: z.number().int(),
    /** Which of how many in a row, from 1. */
    retry: z.number().int(),
    max_retries: z.number().int(),
  }),
  /** A model of the pool answers in place of others. */
  z.object({
    type: z.literal('model_fallback'),
    round: z.number().int(),
    attempt: z.number().int(),
    model: z.string(),
    passed_over: z.array(z.object({ model: z.string(), message: z.string() })),
  }),
  z.object({
    type: z.literal('agentic_tool_call_progress'),
    round: z.number().int(),
    tool_call_id: z.string(),
    /** The call whose code made this one. */
    parent_tool_call_id: z.string().optional(),
    tool_name: z.string(),
    phase: z.enum(['calling', 'complete']),
    /** Place in the line for a sandbox, from 1; 0 once it has one. Only with a `calling` that comes again for it. */
    queue_position: z.number().int().nonnegative().optional(),
    /** Only with phase `complete`. */
    status: z.enum(['succeeded', 'failed', 'denied', 'cancelled', 'timed_out', 'in_doubt']).optional(),
    data: toolCallDataSchema,
  }),
  z.object({
    type: z.literal('agentic_tool_output'),
    round: z.number().int(),
    tool_call_id: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
    /** UTF-16 units of this call's stream before this text. */
    offset: z.number().int(),
  }),
  z.object({
    type: z.literal('agentic_tool_approval_required'),
    approval_id: z.string(),
    round: z.number().int(),
    tool_call_id: z.string(),
    parent_tool_call_id: z.string().optional(),
    tool_name: z.string(),
    tool: toolIdentitySchema,
    arguments: z.unknown(),
    /** ISO 8601; null: never. */
    expires_at: z.string().nullable(),
  }),
  z.object({
    type: z.literal('agentic_tool_approval_resolved'),
    approval_id: z.string(),
    tool_call_id: z.string(),
    decision: z.enum(['approve', 'deny', 'expired', 'cancelled']),
    decided_by: z.string().nullable(),
    message: z.string().nullable(),
  }),
  /** A call that the client is to execute; answered by `tool_result.submit`. */
  z.object({
    type: z.literal('client_tool_call'),
    round: z.number().int(),
    tool_call_id: z.string(),
    tool_name: z.string(),
    arguments: z.unknown(),
  }),
  z.object({ type: z.literal('file'), file: fileObjectSchema, tool_call_id: z.string().optional() }),
  z.object({
    type: z.literal('stream_reset'),
    round: z.number().int(),
    attempt: z.number().int(),
    /** Drop the round's content past this offset; reasoning likewise past `to_reasoning_offset`. */
    to_offset: z.number().int(),
    to_reasoning_offset: z.number().int(),
    cause: interruptionCauseSchema,
  }),
  z.object({ type: z.literal('tool_call_cancelled'), round: z.number().int(), tool_call_id: z.string() }),
  z.object({ type: z.literal('sandbox_state_lost'), reason: z.string() }),
  /** The conversation had outgrown the model's window; from now on the model sees less of it. The log keeps all. */
  z.object({
    type: z.literal('context_compacted'),
    round: z.number().int(),
    /** Results that a note stands for now, or that are cut. */
    results_trimmed: z.number().int(),
    turns_summarised: z.number().int(),
    turns_dropped: z.number().int(),
    /** Of the turn in work. */
    rounds_summarised: z.number().int(),
    rounds_dropped: z.number().int(),
    /** Of the whole prompt, tools included. */
    tokens_before: z.number().int(),
    tokens_after: z.number().int(),
    /** Tokens that a prompt may take; the rest of `context_size` is kept for the answer. */
    budget: z.number().int(),
    context_size: z.number().int(),
    /** What the model wrote about what it no longer sees; null: nothing was summarised. */
    summary: z.string().nullable(),
    /** Why turns were dropped that were to be summarised. */
    summary_error: z.string().optional(),
  }),
  z.object({ type: z.literal('done'), response: runResponseSchema }),
  z.object({
    type: z.literal('model_error'),
    message: z.string(),
    code: z.string(),
    /** Of a `context_overflow`, in tokens. */
    context: z
      .object({
        prompt_tokens: z.number().int(),
        /** Kept free for the answer. */
        answer_tokens: z.number().int(),
        context_size: z.number().int(),
      })
      .optional(),
    incomplete_response: runResponseSchema,
  }),
  z.object({ type: z.literal('validation_error'), message: z.string() }),
  z.object({ type: z.literal('internal_error'), message: z.string() }),
] as const;

/** What a producer appends; the log adds where and when. */
export const eventPayloadSchema = z.discriminatedUnion('type', payloads);
export type EventPayload = z.infer<typeof eventPayloadSchema>;
export type EventType = EventPayload['type'];
export type PayloadOf<T extends EventType> = Extract<EventPayload, { type: T }>;

export const eventEnvelopeSchema = z.object({
  /** Dense per session, from 1. */
  seq: z.number().int().positive(),
  session_id: z.string(),
  run_id: z.string().nullable(),
  /** Unix milliseconds. */
  ts: z.number().int(),
});

/** THE event: one row of a session's log, and what every surface is a codec of. */
export type GantryEvent = z.infer<typeof eventEnvelopeSchema> & EventPayload;

/** These end a run; exactly one of them is a run's last event. */
export const TERMINAL_EVENT_TYPES = ['done', 'model_error', 'validation_error', 'internal_error'] as const;
export function isTerminalEvent(event: EventPayload): boolean {
  return (TERMINAL_EVENT_TYPES as readonly string[]).includes(event.type);
}
