import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../ids.js';
import { writeOnce } from '../write-once.js';

/** Names this data directory to the engine across restarts, so that a start finds what an earlier one left. */
export async function instanceId(home: string): Promise<string> {
  const path = join(home, 'instance-id');
  await mkdir(home, { recursive: true });
  const kept = await readFile(path, 'utf8').catch(() => '');
  return (kept === '' ? await writeOnce(path, newId('work'), 0o644) : kept).trim();
}
