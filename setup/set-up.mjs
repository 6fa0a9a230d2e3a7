import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureBubblewrap } from './bubblewrap.mjs';
import { ensureBuild } from './build.mjs';
import { withLock } from './clone-lock.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensureDockerEngine, thisMachine } from './docker-engine.mjs';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';
import { ensureImage } from './sandbox-image.mjs';
import { secondEngineState } from './second-engine.mjs';

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

/** @typedef {{ kind: 'ready' } | { kind: 'off', reason: string, remedy: string }} Prepared */

function machine() {
  const home = resolve(process.env.GANTRY_HOME || join(homedir(), '.gantry'));
  return thisMachine(process.env, home);
}

/**
 * What python and terminal run in: a Docker engine with the image, else bubblewrap. Never throws: without them the
 * rest works.
 * @returns {Promise<void>}
 */
export async function prepareSandbox() {
  const engine = await prepareEngine();
  if (engine.kind === 'ready') return;
  const { env, home } = machine();
  const asked = env.GANTRY_SANDBOX || 'auto';
  if (asked !== 'auto' && asked !== 'bubblewrap') {
    sayOff(engine);
    return;
  }
  const instead = await prepareBubblewrap(join(home, 'rootfs'));
  if (instead.kind === 'off') {
    if (asked === 'auto') sayOff(engine);
    sayOff(instead);
    return;
  }
  say(`    python and terminal run in bubblewrap sandboxes, because ${engine.reason}`);
}

/**
 * The Docker engine and its image.
 * @returns {Promise<Prepared>}
 */
export async function prepareEngine() {
  const { env } = process;
  const engine = await withLock(() => ensureDockerEngine(machine()));
  if (engine.kind === 'off' || env.GANTRY_SANDBOX_IMAGE) return engine;
  try {
    await withLock(() => ensureImage(env));
    return { kind: 'ready' };
  } catch (error) {
    const reason = `there is no sandbox image: ${error.message}`;
    return { kind: 'off', reason, remedy: 'see to that, then run the same command again' };
  }
}

/**
 * Bubblewrap, with its root file system in a folder.
 * @param {string} into
 * @returns {Promise<Prepared>}
 */
export function prepareBubblewrap(into) {
  return withLock(() => ensureBubblewrap(machine(), into));
}

/**
 * Whether tests can start an engine of their own beside that of this machine.
 * @returns {Promise<Prepared>}
 */
export function secondEngine() {
  return secondEngineState(machine());
}

/** @param {Extract<Prepared, { kind: 'off' }>} state */
function sayOff({ reason, remedy }) {
  say(`    OFF: the tools python and terminal, because ${reason}`);
  say(`    to turn them on: ${remedy}`);
}
