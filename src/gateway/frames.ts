import { z } from 'zod';
import {
  approvalDecisionSchema,
  cancelKeysSchema,
  createRunSchema,
  invokeToolSchema,
  toolResultSchema,
} from '../runs/run-request.js';
import { createSessionSchema } from '../sessions/session-request.js';

/** Chosen by the client; comes back on the answer. */
const id = z.string().min(1).max(128);

/** Every frame a client may send on `/v1/ws` (subprotocol `gantry.v1`). */
export const clientFrameSchema = z.discriminatedUnion('type', [
  createSessionSchema.extend({ id, type: z.literal('session.create') }),
  z.strictObject({
    id,
    type: z.literal('session.subscribe'),
    session_id: z.string(),
    /** Replay begins after this; 0 or absent: from the start. */
    after_seq: z.int().min(0).optional(),
  }),
  z.strictObject({ id, type: z.literal('session.unsubscribe'), session_id: z.string() }),
  createRunSchema.extend({ id, type: z.literal('run.create') }),
  cancelKeysSchema.extend({ id, type: z.literal('run.cancel') }),
  z.strictObject({
    id,
    type: z.literal('run.steer'),
    run_id: z.string(),
    text: z.string().min(1).max(100_000),
  }),
  approvalDecisionSchema.extend({ id, type: z.literal('approval.decide'), approval_id: z.string() }),
  invokeToolSchema.extend({ id, type: z.literal('tool.invoke') }),
  toolResultSchema.extend({ id, type: z.literal('tool_result.submit') }),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;
export type ClientFrameType = ClientFrame['type'];

export const wireErrorSchema = z.object({
  message: z.string(),
  /** `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`, `conflict_error`, `rate_limit_error`, `api_error`. */
  type: z.string(),
  code: z.string().nullable(),
  param: z.string().nullable(),
});
export type WireError = z.infer<typeof wireErrorSchema>;

/** Answers and notices; events of sessions come beside them, as they stand in the log. */
export const serverFrameSchema = z.discriminatedUnion('type', [
  /** `result` by the request: session.create -> SessionView, run.create and tool.invoke -> { run: RunView, session_id }, run.cancel -> { cancelled: run ids }, approval.decide -> ApprovalView, others -> {}. */
  z.object({ type: z.literal('ack'), id: z.string(), result: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('error'), id: z.string().nullable(), error: wireErrorSchema }),
  /** Everything up to `seq` has been sent; what follows is live. */
  z.object({ type: z.literal('live'), session_id: z.string(), seq: z.number().int() }),
  /** Only when the log before `seq` is gone: the session as it stands. */
  z.object({
    type: z.literal('snapshot'),
    session_id: z.string(),
    seq: z.number().int(),
    session: z.unknown(),
  }),
]);
export type ServerFrame = z.infer<typeof serverFrameSchema>;

export const SUBPROTOCOL = 'gantry.v1';
export const TICKET_SUBPROTOCOL_PREFIX = 'gantry.ticket.';
export const CLOSE_CODES = {
  shutdown: 1001,
  slowReader: 4008,
  unauthenticated: 4401,
  forbidden: 4403,
  notFound: 4404,
  pingTimeout: 4408,
  rateLimited: 4429,
  internal: 4500,
} as const;
