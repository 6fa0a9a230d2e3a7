import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of the contents of those files of `folder`. */
async function versionOf(folder: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const content = await readFile(join(folder, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}

async function kernelFiles(folder: string): Promise<string[]> {
  const kernel = await readdir(join(folder, 'kernel/gantry_kernel'));
  return kernel.filter((name) => name.endsWith('.py')).map((name) => `kernel/gantry_kernel/${name}`);
}

/**
 * The name of the image that set-up builds from `folder` (the project's `sandboxes`). Follows
 * sandboxes/build-image.mjs, which must run before anything is compiled; a test holds the two together.
 */
export async function sandboxImage(folder: string): Promise<string> {
  const version = await versionOf(folder, ['python/Dockerfile', ...(await kernelFiles(folder))]);
  return `gantry-sandbox:${version}`;
}

/** The same with nothing but Python in it; built only when somebody asks for it. */
export async function slimSandboxImage(folder: string): Promise<string> {
  const version = await versionOf(folder, ['custom/Dockerfile', ...(await kernelFiles(folder))]);
  return `gantry-sandbox-slim:${version}`;
}

/** What images that people make themselves are labelled with. */
export async function kernelVersion(folder: string): Promise<string> {
  return versionOf(folder, await kernelFiles(folder));
}
