import { z } from 'zod';
import type { MediaType } from '../media.js';
import type { ListedModel } from './model-list.js';
import type { ServerKind } from './server-traits.js';
import type { UpstreamClient } from './upstream-client.js';

type Ask = (
  client: UpstreamClient,
  model: string,
  signal: AbortSignal,
) => Promise<readonly MediaType[] | undefined>;

const KNOWN: readonly MediaType[] = ['image', 'audio'];

/** Where servers tell what their model takes beside text. */
const PROBES: Partial<Record<ServerKind, Ask>> = {
  'llama-server': async (client, _model, signal) => {
    const props = await client.ask({ path: '/props', under: 'root' }, signal);
    const told = z.object({ modalities: z.object({ vision: flag, audio: flag }) }).safeParse(props).data;
    return told && namesOf({ image: told.modalities.vision, audio: told.modalities.audio });
  },
  ollama: async (client, model, signal) => {
    const shown = await client.ask({ path: '/api/show', under: 'root', body: { model } }, signal);
    const told = z.object({ capabilities: z.array(z.string()) }).safeParse(shown).data;
    return told && namesOf({ image: told.capabilities.includes('vision'), audio: false });
  },
  'lm-studio': async (client, model, signal) => {
    const list = await client.ask({ path: '/api/v0/models', under: 'root' }, signal);
    const entry = z.object({ id: z.string(), type: z.string().optional() });
    const told = z
      .object({ data: z.array(entry) })
      .safeParse(list)
      .data?.data.find(({ id }) => id === model);
    return told && namesOf({ image: told.type === 'vlm', audio: false });
  },
  openai: () => Promise.resolve(['image']),
};

const flag = z.boolean().optional().catch(undefined);

/**
 * What the model takes beside text: as configured, as its entry in the list says, or as the server tells elsewhere. A
 * server that does not tell gets text alone: most refuse a whole request for one picture.
 */
export async function findInput(
  client: UpstreamClient,
  kind: ServerKind,
  {
    model,
    entry,
    configured,
  }: {
    readonly model: string;
    readonly entry: ListedModel | undefined;
    readonly configured: readonly MediaType[] | undefined;
  },
  signal: AbortSignal,
): Promise<readonly MediaType[]> {
  if (configured !== undefined) return configured;
  const listed = entry?.input_modalities ?? entry?.architecture?.input_modalities;
  if (listed !== undefined) return KNOWN.filter((type) => listed.includes(type));
  try {
    return (await PROBES[kind]?.(client, model, signal)) ?? [];
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

function namesOf(takes: Readonly<Record<MediaType, boolean | undefined>>): readonly MediaType[] {
  return KNOWN.filter((type) => takes[type] === true);
}
