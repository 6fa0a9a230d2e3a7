import { z } from 'zod';

/** `session.create` and `POST /v1/sessions`. */
export const createSessionSchema = z.strictObject({
  title: z.string().max(256).optional(),
  system_prompt: z.string().max(100_000).optional(),
});
export type CreateSessionRequest = z.infer<typeof createSessionSchema>;

/** A session as lists show it. Times are ISO 8601. */
export const sessionViewSchema = z.object({
  id: z.string(),
  object: z.literal('session'),
  title: z.string().nullable(),
  system_prompt: z.string().nullable(),
  parent_id: z.string().nullable(),
  last_seq: z.number().int(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type SessionView = z.infer<typeof sessionViewSchema>;
