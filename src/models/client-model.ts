import { realpath, stat } from 'node:fs/promises';
import { basename, relative, sep } from 'node:path';
import { demoModelPath } from './demo-model.js';
import { findPulled } from './find-pulled.js';
import { ModelError } from './model-error.js';
import { type HubName, hubNameText, parseModelName } from './model-name.js';
import { placeInside } from './models-folder.js';
import { allShards, firstShard, modelStem } from './shards.js';

/** A model that a client may have loaded. */
export interface ClientModel {
  /** What requests may call it, the shortest first. */
  readonly names: readonly [string, ...string[]];
  /** Its first file, links resolved; undefined for one of a hub that is not here yet. */
  readonly path: string | undefined;
  readonly hub?: HubName;
}

/**
 * What a client names: `demo`, a model of a hub, or a file of the models folder. No name leads out of that folder, by
 * dots, by an absolute path or by a link, whether something is there or not. `variant` is the quantization of a name of a
 * hub that has none. Rejects with ModelError.
 */
export async function clientModel(
  text: string,
  variant: string | undefined,
  modelsDirectory: string,
): Promise<ClientModel> {
  const name = parseModelName(text);
  if (name.kind !== 'hub' && variant !== undefined) {
    throw new ModelError('invalid_name', 'A gguf_variant belongs to a name of the form hf:owner/repo.');
  }
  switch (name.kind) {
    case 'demo':
      return { names: ['demo'], path: await realpath(demoModelPath()) };
    case 'local':
      return fileOfFolder(name.path, modelsDirectory);
    case 'hub':
      return modelOfHub(withVariant(name, variant), modelsDirectory);
    default:
      return name satisfies never;
  }
}

function withVariant(name: HubName, variant: string | undefined): HubName {
  if (variant === undefined) return name;
  if (name.variant.by !== 'default') {
    throw new ModelError('invalid_name', `${hubNameText(name)} names its variant already.`);
  }
  const chosen = parseModelName(`hf:${name.repository}:${variant}@${name.revision}`);
  if (chosen.kind !== 'hub') throw new ModelError('invalid_name', `${variant} is no variant.`);
  return chosen;
}

async function modelOfHub(hub: HubName, modelsDirectory: string): Promise<ClientModel> {
  const text = hubNameText(hub);
  const pulled = await findPulled(hub, modelsDirectory);
  const path = pulled === undefined ? undefined : await insideOnly(pulled, modelsDirectory);
  return { names: [text.slice('hf:'.length), text], path, hub };
}

async function fileOfFolder(text: string, modelsDirectory: string): Promise<ClientModel> {
  const named = await placeInside(modelsDirectory, text);
  const place = (await isThere(named)) || text.endsWith('.gguf') ? named : `${named}.gguf`;
  if (!(await isThere(place))) {
    throw new ModelError(
      'not_found',
      `There is no model ${text} in the models folder.`,
      'A model is "demo", its name in the models folder, or hf:owner/repo:quantization.',
    );
  }
  const path = await insideOnly(firstShard(place), modelsDirectory);
  const inside = relative(modelsDirectory, firstShard(place));
  return { names: [modelStem(basename(inside)), modelStem(inside), inside], path };
}

/** The first file without links on its way. Every file of the model lies in the folder itself. */
async function insideOnly(first: string, modelsDirectory: string): Promise<string> {
  const root = await realpath(modelsDirectory);
  for (const path of allShards(first)) {
    // One that is missing is told by whoever reads them.
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined && !real.startsWith(root + sep)) {
      throw new ModelError(
        'protected',
        `${relative(modelsDirectory, path)} is a link out of the models folder.`,
      );
    }
  }
  return realpath(first).catch(() => first);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
