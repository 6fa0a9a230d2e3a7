import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelsFolder } from './models-folder.js';

/** Of the models folder; what lies in it is no model. */
export const ADAPTERS = 'adapters';

const ENDING = '.gguf';
/** No path: nothing in it leads out of the folder. */
export const ADAPTER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The file of an adapter, or the names of those that are there. */
export type FoundAdapter =
  | { readonly type: 'found'; readonly path: string }
  | { readonly type: 'missing'; readonly names: readonly string[] };

export async function findAdapter(homeDirectory: string, name: string): Promise<FoundAdapter> {
  const folder = join(modelsFolder(homeDirectory), ADAPTERS);
  const path = join(folder, name + ENDING);
  const isThere = ADAPTER_NAME.test(name) && ((await stat(path).catch(() => undefined))?.isFile() ?? false);
  if (isThere) return { type: 'found', path };
  const files = await readdir(folder).catch((): string[] => []);
  const names = files.filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
  return { type: 'missing', names: names.toSorted() };
}
