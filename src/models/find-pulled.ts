import { join } from 'node:path';
import { listModels } from './local-models.js';
import { ModelError } from './model-error.js';
import { type HubName, repositoryFolder } from './model-name.js';
import { areOfOneVersion, type Receipt, readReceipt } from './receipt.js';
import { chooseVariant, type RepositoryFile, variantsOf } from './variants.js';

/**
 * The first file of a model of a hub that was fetched whole before, without asking the hub; undefined where it was not.
 * A bare name means the model that it meant when that was fetched.
 */
export async function findPulled(name: HubName, modelsDirectory: string): Promise<string | undefined> {
  const folder = join(modelsDirectory, repositoryFolder(name));
  const paths = (await listModels(folder)).flatMap((model) => model.paths);
  const receipts = (await Promise.all(paths.map(readReceipt))).filter((receipt) => receipt !== undefined);
  const usable = name.variant.by === 'default' ? receipts.filter(({ isDefault }) => isDefault) : receipts;
  try {
    const variant = chooseVariant(variantsOf(usable.map(asRepositoryFile)), name);
    const ofVariant = new Set(variant.files.map(({ path }) => path));
    const isOneVersion = areOfOneVersion(usable.filter(({ path }) => ofVariant.has(path)));
    return isOneVersion ? join(folder, variant.path) : undefined;
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

function asRepositoryFile({ path, bytes, sha256 }: Receipt): RepositoryFile {
  return { path, bytes, sha256 };
}
