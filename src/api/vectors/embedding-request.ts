import { z } from 'zod';
import { embeddingInputSchema } from './embedding-input.js';
import { refuseCuts } from './vector-options.js';

/** OpenAI's body of `POST /v1/embeddings`; what clients send beside it has no effect. */
export const embeddingRequestSchema = z
  .looseObject({
    model: z.string().min(1).nullish(),
    input: embeddingInputSchema,
    encoding_format: z.literal(['float', 'base64']).nullish(),
    /** The beginning of each vector, so many numbers of it, again of length 1. */
    dimensions: z.int().positive().nullish(),
    user: z.string().nullish(),
  })
  .superRefine(refuseCuts);
export type EmbeddingRequest = z.infer<typeof embeddingRequestSchema>;
