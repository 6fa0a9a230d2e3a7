import { z } from 'zod';

export const title = z.string().max(256);
export const systemPrompt = z.string().max(100_000);
/** A name that the server's settings give; which there are is the service's to know. */
export const sandboxProfile = z.string().min(1).max(64);
/** Hosts that the session's sandbox may reach: `example.org`, `*.example.org`, `example.org:8443`. */
export const egress = z.array(z.string().max(262)).max(64);

/** `session.create` and `POST /v1/sessions`. */
export const createSessionSchema = z.strictObject({
  title: title.optional(),
  system_prompt: systemPrompt.optional(),
  sandbox_profile: sandboxProfile.optional(),
  egress: egress.optional(),
});
export type CreateSessionRequest = z.infer<typeof createSessionSchema>;

/** `PATCH /v1/sessions/{id}`: what is absent stays, null clears. */
export const updateSessionSchema = z.strictObject({
  title: title.nullable().optional(),
  system_prompt: systemPrompt.nullable().optional(),
});
export type UpdateSessionRequest = z.infer<typeof updateSessionSchema>;

/** `GET /v1/sessions`: most recently active first. */
export const listSessionsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** `next_cursor` of the page before. */
  cursor: z.string().max(128).optional(),
});
export type ListSessionsRequest = z.infer<typeof listSessionsSchema>;

/** `POST /v1/sessions/{id}/fork`. */
export const forkSessionSchema = z.strictObject({
  /** Keep this many user turns, counted from 1; absent: all. */
  turn: z.int().min(1).optional(),
  title: title.optional(),
});
export type ForkSessionRequest = z.infer<typeof forkSessionSchema>;

/** `GET /v1/sessions/{id}/events`. */
export const readEventsSchema = z.strictObject({
  /** Events after this seq; absent: from the start. */
  after_seq: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
});
export type ReadEventsRequest = z.infer<typeof readEventsSchema>;

/** A session as lists show it. Times are ISO 8601. */
export const sessionViewSchema = z.object({
  id: z.string(),
  object: z.literal('session'),
  title: z.string().nullable(),
  system_prompt: z.string().nullable(),
  sandbox_profile: z.string().nullable(),
  egress: z.array(z.string()),
  parent_id: z.string().nullable(),
  last_seq: z.number().int(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type SessionView = z.infer<typeof sessionViewSchema>;

export const sessionPageSchema = z.object({
  object: z.literal('list'),
  data: z.array(sessionViewSchema),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
export type SessionPage = z.infer<typeof sessionPageSchema>;
