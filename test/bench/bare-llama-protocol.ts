import { z } from 'zod';

/** One context of as many sequences as `sequences`, given to the process as its argument, as JSON. */
export const bareSettingsSchema = z.object({
  path: z.string(),
  contextSize: z.number().int(),
  threads: z.number().int(),
  sequences: z.number().int(),
});
export type BareSettings = z.infer<typeof bareSettingsSchema>;

/** All prompts at once, one a sequence, greedy. */
export const bareRequestSchema = z.object({ prompts: z.array(z.string()), tokens: z.number().int() });
export type BareRequest = z.infer<typeof bareRequestSchema>;

export const bareAnswerSchema = z.object({
  texts: z.array(z.string()),
  /** Whether every stream came to `tokens` before the model would have ended. */
  isFull: z.boolean(),
  seconds: z.number(),
  /** Of the slowest stream. */
  firstTokenMs: z.number(),
});
export type BareAnswer = z.infer<typeof bareAnswerSchema>;
