import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The name of the image that set-up builds from `folder` (the project's `sandboxes`). Follows
 * sandboxes/build-image.mjs, which must run before anything is compiled; a test holds the two together.
 */
export async function sandboxImage(folder: string): Promise<string> {
  const kernel = await readdir(join(folder, 'kernel/gantry_kernel'));
  const modules = kernel.filter((name) => name.endsWith('.py')).map((name) => `kernel/gantry_kernel/${name}`);
  const hash = createHash('sha256');
  for (const path of ['python/Dockerfile', ...modules].sort()) {
    const content = await readFile(join(folder, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return `gantry-sandbox:${hash.digest('hex').slice(0, 12)}`;
}
