import { type ModelFacts, modelFacts } from './model-facts.js';
import { locateModel } from './locate-model.js';
import type { ModelName } from './model-name.js';
import { readModelFiles } from './read-model-files.js';
import { readReceipt } from './receipt.js';

export interface InspectedFile {
  readonly path: string;
  readonly bytes: number;
  /** As it was checked when the file was fetched; unknown for a file that came otherwise. */
  readonly sha256: string | undefined;
}

export interface InspectedModel {
  readonly facts: ModelFacts;
  readonly files: readonly InspectedFile[];
  /** The repository and the revision that it was fetched from. */
  readonly source: string | undefined;
}

/** What a model on this machine is, from the headers of its files alone. Rejects with ModelError. */
export async function inspectModel(name: ModelName, modelsDirectory: string): Promise<InspectedModel> {
  return inspectFile(await locateModel(name, modelsDirectory));
}

/** By its first file. Rejects with ModelError. */
export async function inspectFile(path: string): Promise<InspectedModel> {
  const files = await readModelFiles(path);
  const receipts = await Promise.all(files.map(({ path }) => readReceipt(path)));
  const [receipt] = receipts;
  return {
    facts: modelFacts(files),
    files: files.map(({ path, bytes }, index) => ({ path, bytes, sha256: receipts[index]?.sha256 })),
    source: receipt === undefined ? undefined : `hf:${receipt.repository}@${receipt.revision}`,
  };
}
