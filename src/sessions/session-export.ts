import { z } from 'zod';
import { fileObjectSchema, stopReasonSchema } from '../events/event.js';
import { usageSchema } from '../events/model-output.js';
import { toolCallDataSchema } from '../events/tool-call-data.js';
import { egress, sandboxProfile, sessionViewSchema, title } from './session-request.js';

const MEBIBYTE = 1024 * 1024;
/** Bodies of files in one export, in bytes; what does not fit is listed without its body. */
export const MAX_EXPORTED_CONTENT_BYTES = 64 * MEBIBYTE;
/** An export with all its bodies as base64, and a long conversation. */
export const MAX_IMPORT_BYTES = 112 * MEBIBYTE;

export const EXPORT_VERSION = 1;

const id = z.string().min(1).max(128);
const round = z.int().min(0).max(1_000_000);
/** Postgres knows no year 0, no offset of 16 hours and no text of more than 128 characters; ISO 8601 has them all. */
const time = z.iso
  .datetime({ offset: true })
  .max(64)
  .refine((text) => Date.parse(text) >= 0, 'expected a time after 1970')
  .refine((text) => !/[+-](?:1[6-9]|2\d):\d\d$/.test(text), 'expected an offset of less than 16 hours');

const MAX_RECORDS = 100_000;
/** Of one message or call. */
const MAX_FILES = 2000;

const exportedMessageSchema = z.strictObject({
  id,
  run_id: id.nullable(),
  round: round.nullable(),
  role: z.enum(['user', 'assistant', 'tool']),
  content: z.string(),
  reasoning: z.string().nullable(),
  /** Only an assistant's; `arguments` is JSON text as the model made it. */
  tool_calls: z
    .array(z.strictObject({ id, name: z.string().max(256), arguments: z.string() }))
    .max(1000)
    .nullable(),
  /** Only a tool's: the call that this answers. */
  tool_call_id: id.nullable(),
  /** Only a user's: what it shows to the model. */
  file_ids: z.array(id).max(MAX_FILES).default([]),
  created_at: time,
});
export type ExportedMessage = z.infer<typeof exportedMessageSchema>;

const exportedRunSchema = z.strictObject({
  id,
  kind: z.enum(['chat', 'tool']),
  state: z.enum([
    'queued',
    'running',
    'waiting_approval',
    'waiting_client',
    'completed',
    'failed',
    'cancelled',
  ]),
  stop_reason: stopReasonSchema.nullable(),
  round,
  usage: usageSchema.nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  message_id: id.nullable(),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
});
export type ExportedRun = z.infer<typeof exportedRunSchema>;

const exportedToolCallSchema = z.strictObject({
  id,
  run_id: id,
  /** The call whose code made this one. */
  parent_id: id.nullish(),
  round,
  name: z.string().max(256),
  arguments: z.string(),
  status: z.enum([
    'proposed',
    'awaiting_approval',
    'approved',
    'running',
    'succeeded',
    'failed',
    'denied',
    'cancelled',
    'timed_out',
    'in_doubt',
    'returned',
  ]),
  result_content: z.string().nullable(),
  result_data: toolCallDataSchema.nullable(),
  result_images_base64: z.array(z.base64()).max(MAX_FILES).nullable(),
  file_ids: z.array(id).max(MAX_FILES),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
});
export type ExportedToolCall = z.infer<typeof exportedToolCallSchema>;

const exportedFileSchema = fileObjectSchema.extend({
  /** Where it lies in the working directory, if it does. */
  path: z.string().optional(),
  /** Whether the file of that path may be run as a program. */
  executable: z.boolean().optional(),
  purpose: z.string().max(64),
  data_base64: z.base64().optional(),
});
export type ExportedFile = z.infer<typeof exportedFileSchema>;

/** `GET /v1/sessions/{id}` and the body of `PUT`. Times are ISO 8601. */
export const serializedSessionSchema = z.strictObject({
  object: z.literal('session.export'),
  version: z.literal(EXPORT_VERSION),
  session: sessionViewSchema.extend({
    title: title.nullable(),
    // That of a chat completion may be longer than one that is set; the body bounds it.
    system_prompt: z.string().nullable(),
    // Exports made before there were profiles have none.
    sandbox_profile: sandboxProfile.nullable().default(null),
    egress: egress.default([]),
  }),
  /** The event log's last seq when this was made: subscribe after it to go on from here. */
  last_seq: z.int().min(0),
  messages: z.array(exportedMessageSchema).max(MAX_RECORDS),
  runs: z.array(exportedRunSchema).max(MAX_RECORDS),
  tool_calls: z.array(exportedToolCallSchema).max(MAX_RECORDS),
  /** With `text` or `data_base64` up to 8 MiB each and 64 MiB in all. */
  files: z.array(exportedFileSchema).max(MAX_RECORDS),
});
export type SerializedSession = z.infer<typeof serializedSessionSchema>;

/** What of a session makes its past: enough to go on with it elsewhere. */
export type SessionHistory = Pick<SerializedSession, 'messages' | 'runs' | 'tool_calls'>;
