import { z } from 'zod';
import type { MediaType } from '../media.js';
import { EngineError } from '../engine-error.js';
import { findInput } from './find-input.js';
import { chooseModel, entryOf, listedContext, readModelList, type ListedModel } from './model-list.js';
import {
  KIND_BY_OWNER,
  OPENAI_HOST,
  PROBES,
  SERVER_TRAITS,
  type ServerKind,
  type ServerTraits,
} from './server-traits.js';
import type { UpstreamClient } from './upstream-client.js';

/** What is known of the server once it has answered. */
export interface UpstreamServer {
  readonly kind: ServerKind;
  readonly traits: ServerTraits;
  readonly model: string;
  /** Tokens, and who says so. */
  readonly contextSize: number;
  readonly contextFrom: 'configuration' | 'server' | 'assumption';
  /** What the model takes beside text. */
  readonly input: readonly MediaType[];
}

/** Asks the server what it is and what it has. Rejects with an EngineError, or as `signal` does. */
export async function discover(
  client: UpstreamClient,
  configured: { readonly contextSize: 'auto' | number; readonly input?: readonly MediaType[] | undefined },
  signal: AbortSignal,
): Promise<UpstreamServer> {
  const list = await listModels(client, signal);
  const kind = await findKind(client, list ?? [], signal);
  const traits = SERVER_TRAITS[kind];
  const model = chooseModel(list, client.address.model, traits);
  const entry = entryOf(list ?? [], model);
  const context = await findContext(client, kind, model, entry, configured.contextSize, signal);
  const input = await findInput(client, kind, { model, entry, configured: configured.input }, signal);
  return { kind, traits, model, ...context, input };
}

/** Undefined when the server has no such list. */
async function listModels(
  client: UpstreamClient,
  signal: AbortSignal,
): Promise<readonly ListedModel[] | undefined> {
  try {
    return readModelList(await client.ask({ path: '/models', under: 'api' }, signal));
  } catch (error) {
    if (error instanceof EngineError && error.code === 'model_not_found') return undefined;
    throw error;
  }
}

async function findKind(
  client: UpstreamClient,
  list: readonly ListedModel[],
  signal: AbortSignal,
): Promise<ServerKind> {
  if (client.host === OPENAI_HOST) return 'openai';
  const owned = list.map(({ owned_by }) => KIND_BY_OWNER[owned_by ?? '']).find((kind) => kind !== undefined);
  if (owned !== undefined) return owned;
  for (const probe of PROBES) {
    const answer = await askIfThere(client, probe.path, signal);
    if (typeof answer === 'object' && answer !== null && probe.field in answer) return probe.kind;
  }
  return 'generic';
}

async function askIfThere(client: UpstreamClient, path: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await client.ask({ path, under: 'root' }, signal);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

const size = z.number().int().positive();

/** Where servers tell the context they have really set up, not the one the model was made for. */
const CONTEXT_PROBES: Partial<
  Record<
    ServerKind,
    { readonly path: string; readonly read: (answer: unknown, model: string) => number | undefined }
  >
> = {
  'llama-server': {
    path: '/props',
    read: (answer) =>
      z.object({ default_generation_settings: z.object({ n_ctx: size }) }).safeParse(answer).data
        ?.default_generation_settings.n_ctx,
  },
  ollama: {
    path: '/api/ps',
    read: (answer, model) => {
      const models = z.object({ models: z.array(z.object({ name: z.string(), context_length: size })) });
      return models
        .safeParse(answer)
        .data?.models.find(({ name }) => name === model || name === `${model}:latest`)?.context_length;
    },
  },
  'lm-studio': {
    path: '/api/v0/models',
    read: (answer, model) => {
      const entry = z.object({ id: z.string(), loaded_context_length: size.optional() });
      return z
        .object({ data: z.array(entry) })
        .safeParse(answer)
        .data?.data.find(({ id }) => id === model)?.loaded_context_length;
    },
  },
};

async function findContext(
  client: UpstreamClient,
  kind: ServerKind,
  model: string,
  entry: ListedModel | undefined,
  configured: 'auto' | number,
  signal: AbortSignal,
): Promise<Pick<UpstreamServer, 'contextSize' | 'contextFrom'>> {
  if (configured !== 'auto') return { contextSize: configured, contextFrom: 'configuration' };
  const probe = CONTEXT_PROBES[kind];
  const probed = probe && probe.read(await askIfThere(client, probe.path, signal), model);
  const told = probed ?? listedContext(entry);
  return told === undefined
    ? { contextSize: SERVER_TRAITS[kind].assumedContext, contextFrom: 'assumption' }
    : { contextSize: told, contextFrom: 'server' };
}
