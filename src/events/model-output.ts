import { z } from 'zod';

/** Names and fields are those of mistral.rs' response enum; what is ours is only ever added. */
export const usageSchema = z.object({
  prompt_tokens: z.number().int(),
  completion_tokens: z.number().int(),
  total_tokens: z.number().int(),
  avg_tok_per_sec: z.number(),
  avg_prompt_tok_per_sec: z.number(),
  avg_compl_tok_per_sec: z.number(),
  total_time_sec: z.number(),
  total_prompt_time_sec: z.number(),
  total_completion_time_sec: z.number(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().int() }).optional(),
  /** Of runs that ask for `prediction`. */
  completion_tokens_details: z
    .object({ accepted_prediction_tokens: z.number().int(), rejected_prediction_tokens: z.number().int() })
    .optional(),
});

export const toolCallDeltaSchema = z.object({
  index: z.number().int(),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string().optional() }),
});

/** One channel at a time: content, reasoning, or the arguments of one call. */
export const deltaSchema = z.object({
  role: z.literal('assistant').optional(),
  content: z.string().optional(),
  reasoning_content: z.string().optional(),
  tool_calls: z.array(toolCallDeltaSchema).optional(),
});
