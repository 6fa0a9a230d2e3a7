import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sandboxImage } from '../docker/sandbox-image.js';

/** Written last: a folder without it is not whole. */
const SEAL = 'opt/gantry/.root-file-system';

/**
 * Where set-up leaves the root file system under `home`. Named like the image, by the content of `folder` (the
 * project's `sandboxes`): follows sandboxes/build-rootfs.mjs, and a test holds the two together.
 */
export async function rootFileSystemPath(home: string, folder: string): Promise<string> {
  const [, hash = ''] = (await sandboxImage(folder)).split(':');
  return join(home, 'rootfs', hash);
}

/** The command that makes the one at `path` again, whatever is there. */
export function rebuildCommand(path: string): string {
  return `node sandboxes/build-rootfs.mjs --into ${dirname(path)} --again`;
}

/** Undefined when it is there and whole; else why not and what to do. */
export async function rootFileSystemProblem(path: string): Promise<string | undefined> {
  try {
    await stat(path);
  } catch {
    return `The root file system of the sandboxes is missing (${path}). Make it with: node sandboxes/build-rootfs.mjs --into ${dirname(path)}`;
  }
  try {
    await stat(join(path, SEAL));
    return undefined;
  } catch {
    return `The root file system in ${path} is not whole. Make it anew with: ${rebuildCommand(path)}`;
  }
}
