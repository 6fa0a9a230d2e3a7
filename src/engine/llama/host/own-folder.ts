import { mkdir, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Told by age, not by process numbers: those mean nothing between containers that share a folder. */
const STALE_MS = 60_000;
const RENEW_MS = 10_000;
/** Earlier versions named them by process number. */
const OF_A_PROCESS = /^(?:host-\w+|\d+)$/;

export interface OwnFolder {
  readonly path: string;
  /** Removes it with all that is in it. */
  close(): Promise<void>;
}

/**
 * A new folder in `root` that no other process has, for the server's account alone; those of processes that ended without
 * closing theirs go a minute later. One that stood still for that long may find its own empty, or gone for ten seconds.
 */
export async function takeOwnFolder(root: string): Promise<OwnFolder> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const path = await mkdtemp(join(root, 'host-'));
  let renewal = renew(root, path);
  await renewal;
  const timer = setInterval(() => {
    renewal = renew(root, path);
  }, RENEW_MS);
  timer.unref();
  return {
    path,
    close: async () => {
      clearInterval(timer);
      await renewal;
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** What goes wrong here, the next time sets right. */
async function renew(root: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const now = new Date();
    await utimes(path, now, now);
    for (const name of await readdir(root)) {
      if (OF_A_PROCESS.test(name)) await removeStale(join(root, name));
    }
  } catch {
    // A disk that is full or away; the folder serves an optimisation.
  }
}

async function removeStale(folder: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(folder);
    if (Date.now() - mtimeMs > STALE_MS) await rm(folder, { recursive: true, force: true });
  } catch {
    // Another process removes it at the same time.
  }
}
