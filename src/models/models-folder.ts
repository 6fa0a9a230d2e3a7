import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ModelError } from './model-error.js';

export function modelsFolder(homeDirectory: string): string {
  return join(homeDirectory, 'models');
}

/**
 * Makes the folder of `path` inside the models folder and returns the whole path. Below the models folder, which may
 * itself be a link, no link is followed. Rejects with ModelError protected.
 */
export async function makePlace(folder: string, path: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  let place = folder;
  for (const segment of path.split('/').slice(0, -1)) {
    place = join(place, segment);
    await mkdir(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(place)).isDirectory()) {
      throw new ModelError(
        'protected',
        `${place} is a link or a file; models are fetched into real folders only.`,
      );
    }
  }
  return join(folder, path);
}

/**
 * The place of a name inside the models folder, whether something is there or not.
 * Throws ModelError protected for a name that leads out, by dots or by a link on its way; a link at its end is the thing
 * itself.
 */
export async function placeInside(folder: string, name: string): Promise<string> {
  const place = resolve(folder, name);
  const inside = relative(resolve(folder), place);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || resolve(inside) === inside) {
    throw new ModelError('protected', `${name} is not inside the models folder ${folder}.`);
  }
  const [root, parent] = await Promise.all([realOf(folder), realOf(dirname(place))]);
  if (root !== undefined && parent !== undefined && join(root, dirname(inside)) !== parent) {
    throw new ModelError('protected', `A link on the way to ${name} leads elsewhere.`);
  }
  return place;
}

async function realOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}
