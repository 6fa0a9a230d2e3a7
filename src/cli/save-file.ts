import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilesApi } from '../client/files-api.js';
import { numberedName, safeFileName } from './safe-file-name.js';

const MAX_SAME_NAMES = 1000;

/**
 * Saves a file of the server under a name that is safe here and resolves with its path. Nothing is
 * overwritten and no link is followed; a file that is there already with the same content is left as it is.
 */
export async function saveFile(
  files: Pick<FilesApi, 'content'>,
  file: { readonly id: string; readonly name: string },
  folder: string,
): Promise<string> {
  const content = Buffer.from(await new Response(await files.content(file.id)).arrayBuffer());
  await mkdir(folder, { recursive: true });
  const name = safeFileName(file.name);
  for (let number = 1; number <= MAX_SAME_NAMES; number += 1) {
    const path = join(folder, number === 1 ? name : numberedName(name, number));
    if (await writeNew(path, content)) return path;
    if (await hasContent(path, content)) return path;
  }
  throw new Error(`There are too many files named ${name} in ${folder}.`);
}

async function writeNew(path: string, content: Buffer): Promise<boolean> {
  try {
    await using handle = await open(path, 'wx', 0o644);
    await handle.writeFile(content);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function hasContent(path: string, content: Buffer): Promise<boolean> {
  const there = await readFile(path).catch(() => undefined);
  return there?.equals(content) === true;
}
