import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ADAPTERS } from './adapters-folder.js';
import { allShards, firstShard } from './shards.js';

export interface LocalModel {
  /** From the models folder; what MODEL and the commands take. The first shard where there are several. */
  readonly name: string;
  readonly path: string;
  /** Files that are there. */
  readonly paths: readonly string[];
  readonly bytes: number;
  readonly missing: readonly string[];
  /** Bytes of downloads that did not come to their end. */
  readonly unfinishedBytes: number;
  /** When the newest of its files came. */
  readonly changedAt: Date | undefined;
}

const PART_ENDING = '.part';
const DEEPEST = 8;

/** What lies in the models folder, by name. Folders that are links are not entered; a file may be one. */
export async function listModels(folder: string): Promise<readonly LocalModel[]> {
  const names = await ggufNames(folder, '', DEEPEST);
  const whole = new Set(names.filter((name) => !name.endsWith(PART_ENDING)));
  const parts = new Set(names.filter((name) => name.endsWith(PART_ENDING)));
  const firsts = new Set(names.map((name) => firstShard(name.replace(/\.part$/, ''))));
  return Promise.all([...firsts].toSorted().map((name) => describe(folder, name, whole, parts)));
}

async function describe(
  folder: string,
  name: string,
  whole: ReadonlySet<string>,
  parts: ReadonlySet<string>,
): Promise<LocalModel> {
  const names = allShards(name);
  const paths = names.filter((each) => whole.has(each)).map((each) => join(folder, each));
  const unfinished = names.map((each) => each + PART_ENDING).filter((each) => parts.has(each));
  const [stats, partStats] = await Promise.all([
    statAll(paths),
    statAll(unfinished.map((each) => join(folder, each))),
  ]);
  const times = stats.map(({ mtimeMs }) => mtimeMs);
  return {
    name,
    path: join(folder, name),
    paths,
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    missing: names.filter((each) => !whole.has(each)),
    unfinishedBytes: partStats.reduce((sum, { size }) => sum + size, 0),
    changedAt: times.length === 0 ? undefined : new Date(Math.max(...times)),
  };
}

/** Names of GGUF files and of beginnings of some, from the models folder. */
async function ggufNames(folder: string, inside: string, depth: number): Promise<readonly string[]> {
  if (depth === 0) return [];
  const entries = await readdir(join(folder, inside), { withFileTypes: true }).catch((): Dirent[] => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (name === ADAPTERS) return [];
      if (entry.isDirectory()) return ggufNames(folder, name, depth - 1);
      return /\.gguf(?:\.part)?$/.test(name) && (await isFile(join(folder, name))) ? [name] : [];
    }),
  );
  return found.flat();
}

async function isFile(path: string): Promise<boolean> {
  return (await statAll([path])).some((stats) => stats.isFile());
}

/** Those that are there: a file may go away while others are looked at. */
async function statAll(paths: readonly string[]) {
  const all = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return all.filter((stats) => stats !== undefined);
}
