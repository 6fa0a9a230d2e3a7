import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureBuild } from './build.mjs';
import { withLock } from './clone-lock.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensureDockerEngine, thisMachine } from './docker-engine.mjs';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';
import { ensureImage } from './sandbox-image.mjs';

/** A person's settings beside the code; what is in the environment already goes before them. */
export function loadSettingsFile() {
  const path = join(projectRoot, '.env');
  if (existsSync(path)) process.loadEnvFile(path);
}

/** Dependencies and build: all that the program needs to say what it can do. */
export function prepareProgram() {
  return withLock(async () => {
    await ensureDependencies();
    await ensureBuild();
  });
}

/**
 * The engine and the image that python and terminal run in. Never throws: without them the rest works.
 * @returns {Promise<{ kind: 'ready' } | { kind: 'off', reason: string }>}
 */
export async function prepareSandbox() {
  const env = process.env;
  const home = resolve(env.GANTRY_HOME || join(homedir(), '.gantry'));
  const engine = await withLock(() => ensureDockerEngine(thisMachine(env, home)));
  if (engine.kind === 'off') return withoutSandbox(engine.reason, engine.remedy);
  if (env.GANTRY_SANDBOX_IMAGE) return { kind: 'ready' };
  try {
    await withLock(() => ensureImage(env));
    return { kind: 'ready' };
  } catch (error) {
    return withoutSandbox(
      `there is no sandbox image: ${error.message}`,
      'see to that, then run npm start again',
    );
  }
}

/**
 * @param {string} reason
 * @param {string} remedy
 */
function withoutSandbox(reason, remedy) {
  say(`    OFF: the tools python and terminal, because ${reason}`);
  say(`    to turn them on: ${remedy}`);
  return /** @type {const} */ ({ kind: 'off', reason });
}
