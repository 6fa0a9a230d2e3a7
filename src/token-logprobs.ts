import { z } from 'zod';

/** Most alternatives that a token may come with, as in OpenAI's API. */
export const MOST_TOP_LOGPROBS = 20;

/** A probability below what a number can hold as a logarithm; OpenAI's word for it. */
export const LEAST_LOGPROB = -9999;

/**
 * A token and how likely the model held it: the natural logarithm of its probability, before temperature, cuts,
 * penalties and biases. `bytes` are the token's own, which need not be whole characters; null: unknown.
 */
export const tokenLogprobSchema = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.number().int().min(0).max(255)).nullable(),
});
export type TokenLogprob = z.infer<typeof tokenLogprobSchema>;

/** The token that was taken, with the likeliest in its place, best first. */
export const chosenTokenSchema = tokenLogprobSchema.extend({ top_logprobs: z.array(tokenLogprobSchema) });
export type ChosenToken = z.infer<typeof chosenTokenSchema>;

/** Most of a distribution that one `raw` event tells of each token. */
export const MOST_RAW = 1024;

/**
 * A token as the model made it, syntax and the end of the turn included, and the distribution that it was taken from:
 * ids of the likeliest tokens, best first, and the natural logarithms of their probabilities.
 */
export const rawTokenSchema = z.object({
  id: z.number().int(),
  ids: z.array(z.number().int()),
  logprobs: z.array(z.number()),
});
export type RawToken = z.infer<typeof rawTokenSchema>;
