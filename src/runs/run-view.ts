import { z } from 'zod';
import { stopReasonSchema } from '../events/event.js';
import { usageSchema } from '../events/model-output.js';

/** A run as every surface shows it. Times are ISO 8601. */
export const runViewSchema = z.object({
  id: z.string(),
  object: z.literal('run'),
  session_id: z.string(),
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
  round: z.number().int(),
  usage: usageSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  message_id: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
});
export type RunView = z.infer<typeof runViewSchema>;

export const approvalViewSchema = z.object({
  id: z.string(),
  object: z.literal('approval'),
  session_id: z.string(),
  run_id: z.string(),
  tool_call_id: z.string(),
  state: z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled']),
  tool_name: z.string(),
  tool: z.object({ source: z.string(), kind: z.string(), label: z.string() }),
  arguments: z.unknown(),
  arguments_hash: z.string(),
  edited_arguments: z.unknown().nullable(),
  message: z.string().nullable(),
  remember_for_session: z.boolean(),
  decided_by: z.string().nullable(),
  expires_at: z.string().nullable(),
  created_at: z.string(),
  decided_at: z.string().nullable(),
});
export type ApprovalView = z.infer<typeof approvalViewSchema>;
