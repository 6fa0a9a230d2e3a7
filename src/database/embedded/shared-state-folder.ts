import { chmod, mkdir } from 'node:fs/promises';

/**
 * Where root keeps what another account must reach and cannot reach under root's home. Every folder on the way is
 * open to all for passing through; what lies inside is closed by its own mode.
 */
export const sharedStateFolder = '/var/lib/gantry';

/** Makes the folder, and opens it whatever the umask is, or was when an earlier start made it. */
export async function openSharedStateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o711);
}
