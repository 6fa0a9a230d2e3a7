import { z } from 'zod';
import { EngineError } from '../engine-error.js';
import type { ServerTraits } from './server-traits.js';

const size = z.number().int().positive().optional().catch(undefined);

const modalities = z.array(z.string()).optional().catch(undefined);

const listedModel = z.object({
  id: z.string(),
  owned_by: z.string().optional().catch(undefined),
  max_model_len: size,
  context_length: size,
  context_window: size,
  input_modalities: modalities,
  architecture: z.object({ input_modalities: modalities }).optional().catch(undefined),
  meta: z.object({ n_ctx: size, n_ctx_train: size }).optional().catch(undefined),
});

export type ListedModel = z.infer<typeof listedModel>;

/** Names shown in an error: some servers have thousands. */
const SHOWN = 20;

const modelList = z.object({ data: z.array(listedModel).nullable() });

/** What `/v1/models` answered; undefined for what is no such list. */
export function readModelList(value: unknown): readonly ListedModel[] | undefined {
  const parsed = modelList.safeParse(value);
  return parsed.success ? (parsed.data.data ?? []) : undefined;
}

/**
 * The name to ask for. Throws EngineError model_not_found or invalid_request, with the names there are: some
 * servers answer any name with whatever model they have, and that would be a silent substitute.
 */
export function chooseModel(
  list: readonly ListedModel[] | undefined,
  asked: string | undefined,
  { listsEveryModel }: ServerTraits,
): string {
  if (asked !== undefined) {
    if (list === undefined || !listsEveryModel || entryOf(list, asked) !== undefined) return asked;
    throw new EngineError('model_not_found', `The server has no model "${asked}". It has ${named(list)}.`);
  }
  if (list === undefined) {
    throw new EngineError('invalid_request', `The server does not list its models. ${NAME_ONE}`);
  }
  const [only, ...others] = list;
  if (only === undefined) throw new EngineError('model_not_found', 'The server has no model.');
  if (others.length > 0) {
    throw new EngineError('invalid_request', `The server has several models: ${named(list)}. ${NAME_ONE}`);
  }
  return only.id;
}

const NAME_ONE = 'Name one: MODEL=openai:<base url>#<model>.';

/** Ollama lists `name:latest` for what is asked for as `name`. */
export function entryOf(list: readonly ListedModel[], model: string): ListedModel | undefined {
  return list.find(({ id }) => id === model) ?? list.find(({ id }) => id === `${model}:latest`);
}

function named(list: readonly ListedModel[]): string {
  const shown = list.slice(0, SHOWN).map(({ id }) => id.slice(0, 200));
  const more = list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '';
  return list.length === 0 ? 'none' : `${shown.join(', ')}${more}`;
}

/** Tokens, if the list tells. `n_ctx_train` is what the model was made for: the server may have set up less. */
export function listedContext(entry: ListedModel | undefined): number | undefined {
  return (
    entry?.max_model_len ??
    entry?.context_length ??
    entry?.context_window ??
    entry?.meta?.n_ctx ??
    entry?.meta?.n_ctx_train
  );
}
