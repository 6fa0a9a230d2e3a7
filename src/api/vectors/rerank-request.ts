import { z } from 'zod';
import { refuseCuts } from './vector-options.js';

const MOST_DOCUMENTS = 2048;

const text = z.string().min(1, 'must not be empty');
const document = z.union([text, z.looseObject({ text })]);

/** The body that Jina, Cohere and vLLM share. */
export const rerankRequestSchema = z
  .looseObject({
    model: z.string().min(1).nullish(),
    query: text,
    documents: z
      .array(document)
      .min(1, 'must not be empty')
      .max(MOST_DOCUMENTS, `must not have more than ${MOST_DOCUMENTS} documents`),
    /** The best so many; default: all. */
    top_n: z.int().positive().nullish(),
    /** False: without their texts. */
    return_documents: z.boolean().nullish(),
  })
  .superRefine(refuseCuts);
export type RerankRequest = z.infer<typeof rerankRequestSchema>;
