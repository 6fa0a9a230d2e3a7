import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';

const builder = join(projectRoot, 'sandboxes', 'build-image.mjs');

/**
 * The image that python and terminal run in, built where it is absent or out of date.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<void>} throws with what went wrong
 */
export async function ensureImage(env) {
  const { ensureSandboxImage } = await import(pathToFileURL(builder).href);
  const result = await ensureSandboxImage({ log: (line) => say(`    ${line}`), env });
  if (result.state !== 'ready') throw new Error(result.reason);
}
