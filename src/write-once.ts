import { randomUUID } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { writeSynced } from './write-synced.js';

/**
 * The file's text, once it is there: `text`, or that of whoever was quicker, in this process or another. The file
 * appears whole or not at all, also when the power fails or the disk is full. Rejects as the file system does.
 */
export async function writeOnce(path: string, text: string, mode: number): Promise<string> {
  const staging = `${path}.new-${randomUUID()}`;
  try {
    await writeSynced(staging, text, 'wx', mode);
    // Unlike a rename, a link takes no file's place.
    await link(staging, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(staging, { force: true });
  }
  return readFile(path, 'utf8');
}
