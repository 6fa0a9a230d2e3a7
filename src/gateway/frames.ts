import { z } from 'zod';
import { eventEnvelopeSchema, eventPayloadSchema } from '../events/event.js';
import type { EventPayload } from '../events/event.js';
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

export const wireErrorSchema = z.object({
  message: z.string(),
  /** `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`, `conflict_error`, `rate_limit_error`, `api_error`. */
  type: z.string(),
  code: z.string().nullable(),
  param: z.string().nullable(),
});
export type WireError = z.infer<typeof wireErrorSchema>;

/**
 * Answers and notices; events of sessions come beside them (`wireEventSchema`).
 *
 * `ack.result` by the request: `session.create` -> SessionView; `run.create` and `tool.invoke` ->
 * { run: RunView, session_id, created, after_seq }, where `created` is false for a repeated
 * `idempotency_key` and subscribing with `after_seq` gives the run from its first event on;
 * `session.subscribe` -> { session_id, after_seq }; `run.cancel` -> { cancelled: run ids };
 * `approval.decide` -> ApprovalView; others -> {}.
 *
 * Answers go ahead of events that wait to be sent. Events of a subscription come after its ack, and none
 * after the ack of its `session.unsubscribe`. Frames about one session are handled in the order sent;
 * `run.cancel` and `approval.decide` wait for nothing, so cancel what is not yet acked by `cancel_id`.
 */
export const serverFrameSchema = z.discriminatedUnion('type', [
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
export type LiveFrame = Extract<ServerFrame, { type: 'live' }>;
export type SnapshotFrame = Extract<ServerFrame, { type: 'snapshot' }>;

/**
 * An event as the socket carries it. For a slow reader, events whose text joins (`chunk` of one round and
 * channel, `agentic_tool_output` of one stream) are sent as one: it stands for every seq from `first_seq`
 * to `seq`, has the first one's `offset` and the last one's `ts`. So `seq` is dense in this sense: each
 * event's `first_seq` (where absent, its `seq`) is one more than the `seq` before.
 */
export const wireEventSchema = z.intersection(
  eventEnvelopeSchema.extend({ first_seq: z.number().int().positive().optional() }),
  eventPayloadSchema,
);
export type WireEvent = z.infer<typeof eventEnvelopeSchema> & EventPayload & { readonly first_seq?: number };

/** Of one frame in; larger content goes over HTTP. */
export const MAX_FRAME_BYTES = 1024 * 1024;

export const SUBPROTOCOL = 'gantry.v1';
export const CLOSE_CODES = {
  shutdown: 1001,
  tooLarge: 1009,
  /** The reason is `slow reader: <session id> after <last seq sent>`. */
  slowReader: 4008,
  unauthenticated: 4401,
  forbidden: 4403,
  notFound: 4404,
  pingTimeout: 4408,
  rateLimited: 4429,
  internal: 4500,
} as const;
