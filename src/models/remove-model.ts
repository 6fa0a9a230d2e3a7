import { lstat, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { messageOf } from '../errors.js';
import { demoModelPath } from './demo-model.js';
import { partPath } from './download-file.js';
import { withFileLock } from './file-lock.js';
import { findPulled } from './find-pulled.js';
import { ModelError } from './model-error.js';
import { hubNameText, type ModelName } from './model-name.js';
import { placeInside } from './models-folder.js';
import { removePart, writerOf } from './part-file.js';
import { removeReceipt } from './receipt.js';
import { allShards } from './shards.js';

export interface RemovedModel {
  /** Paths that are gone. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/**
 * Removes a model with all of its shards, and what was fetched of it, from the models folder. Nothing outside it is
 * touched: of a link only the link goes. Rejects with ModelError protected, not_found or cannot_write.
 */
export async function removeModel(name: ModelName, modelsDirectory: string): Promise<RemovedModel> {
  const named = await nameInside(name, modelsDirectory);
  const files = [];
  for (const each of allShards(named)) {
    const place = await placeInside(modelsDirectory, each);
    const bytes = await removableBytes(place);
    if (bytes !== undefined) files.push({ place, bytes });
  }
  if (files.length === 0) throw new ModelError('not_found', `There is no ${named} in ${modelsDirectory}.`);
  for (const { place } of files) await remove(place);
  for (const { place } of files) await removeEmptyFolders(dirname(place), modelsDirectory);
  return {
    paths: files.map(({ place }) => place),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function nameInside(name: ModelName, modelsDirectory: string): Promise<string> {
  switch (name.kind) {
    case 'demo':
      throw demoStays();
    case 'local':
      if (name.path.endsWith('.gguf')) return name.path;
      throw new ModelError('not_found', `${name.path} is not the name of a model; that ends in .gguf.`);
    case 'hub': {
      const path = await findPulled(name, modelsDirectory);
      if (path !== undefined) return relative(resolve(modelsDirectory), resolve(path));
      throw new ModelError(
        'not_found',
        `${hubNameText(name)} is not on this machine.`,
        'gantry models list has what is there, also what was not fetched to its end.',
      );
    }
    default:
      return name satisfies never;
  }
}

function demoStays(): ModelError {
  return new ModelError('protected', 'The demo model belongs to the installation and stays.');
}

/** Bytes of a file and of what was fetched of it; undefined where there is neither. */
async function removableBytes(place: string): Promise<number | undefined> {
  const [file, part] = await Promise.all([sizeOf(place), sizeOf(partPath(place))]);
  if (file === undefined && part === undefined) return undefined;
  if (await isDemo(place)) throw demoStays();
  return (file ?? 0) + (part ?? 0);
}

/** Of a link its own size. */
async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isDirectory()) throw new ModelError('protected', `${path} is a folder.`);
  return stats?.size;
}

/** The models folder may be that of the installation itself. */
async function isDemo(place: string): Promise<boolean> {
  const real = await realpath(place).catch(() => undefined);
  if (real === undefined || (await lstat(place)).isSymbolicLink()) return false;
  const [one, other] = await Promise.all([stat(real), demoStats()]);
  return one.ino === other?.ino && one.dev === other.dev;
}

async function demoStats() {
  try {
    return await stat(demoModelPath());
  } catch {
    return undefined;
  }
}

async function remove(place: string): Promise<void> {
  const onWaiting = async (): Promise<void> => {
    const writer = (await writerOf(partPath(place))) ?? 'another process';
    throw new ModelError('protected', `${place} is being fetched by ${writer}.`, 'Stop that first.');
  };
  await withFileLock(partPath(place), { signal: new AbortController().signal, onWaiting }, async () => {
    try {
      await rm(place, { force: true });
      await removeReceipt(place);
      await removePart(partPath(place));
    } catch (error) {
      throw new ModelError('cannot_write', `${place} cannot be removed: ${messageOf(error)}`);
    }
  });
}

/** The folders of owner and repository, when nothing else is in them. */
async function removeEmptyFolders(from: string, modelsDirectory: string): Promise<void> {
  const end = resolve(modelsDirectory);
  for (let folder = from; folder !== end && folder.startsWith(join(end, '/')); folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}
