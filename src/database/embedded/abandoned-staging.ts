import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what processes that were killed have left at `<name>.new-<pid>...` in the folder; not that of a living one. */
export async function removeAbandoned(folder: string, name: string): Promise<void> {
  const prefix = `${name}.new-`;
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(prefix)) continue;
    const pid = Number.parseInt(entry.slice(prefix.length), 10);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(join(folder, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
