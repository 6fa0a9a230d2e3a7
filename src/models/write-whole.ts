import { rename } from 'node:fs/promises';
import { writeSynced } from '../write-synced.js';

/** The file is there with all of its text or as it was before, also after the power failed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const staging = `${path}.new`;
  await writeSynced(staging, text, 'w', 0o644);
  await rename(staging, path);
}
