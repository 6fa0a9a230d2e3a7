import { z } from 'zod';
import type { EmbeddingInputs } from '../../engine/embedding.js';

/** As many as OpenAI takes. */
const MOST_INPUTS = 2048;

const text = z.string().min(1, 'must not be empty');
const tokens = z.array(z.int().min(0)).min(1, 'must not be empty');

const FORMS = {
  text: text.transform((one): EmbeddingInputs => [one]),
  texts: many(text),
  tokens: tokens.transform((one): EmbeddingInputs => [one]),
  tokenLists: many(tokens),
} as const;

/** A text, several, the token ids of one, or of several: OpenAI's four forms of what is to be embedded. */
export const embeddingInputSchema = z.unknown().transform((value, context): EmbeddingInputs => {
  const form = formOf(value);
  if (form === undefined) {
    const message = 'must be a text, a list of texts, a list of token ids, or a list of such lists';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  const parsed = FORMS[form].safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) {
    context.addIssue({ code: 'custom', message, path: [...path] });
  }
  return z.NEVER;
});

/** By the first item, so that what is said of a list is about the item that is wrong. */
function formOf(value: unknown): keyof typeof FORMS | undefined {
  if (typeof value === 'string') return 'text';
  if (!Array.isArray(value)) return undefined;
  const first: unknown = value[0];
  if (Array.isArray(first)) return 'tokenLists';
  return typeof first === 'number' ? 'tokens' : 'texts';
}

function many<T extends string | number[]>(item: z.ZodType<T>) {
  return z
    .array(item)
    .min(1, 'must not be empty')
    .max(MOST_INPUTS, `must not have more than ${MOST_INPUTS} inputs; send them in several requests`);
}
