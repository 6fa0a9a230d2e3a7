import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../ids.js';

/** Names this data directory to the engine across restarts, so that a start finds what an earlier one left. */
export async function instanceId(home: string): Promise<string> {
  const path = join(home, 'instance-id');
  await mkdir(home, { recursive: true });
  try {
    await writeFile(path, newId('work'), { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return (await readFile(path, 'utf8')).trim();
}
