import { findProgram } from './find-program.mjs';
import { runCommand } from './run-command.mjs';

const remedy = 'run them as root on a machine with dockerd, not in an ordinary container';

/**
 * Whether tests can start a Docker engine of their own beside this machine's. Never throws.
 * @param {Pick<import('./docker-engine.mjs').Machine, 'env' | 'isRoot' | 'programFolders'>} machine
 * @returns {Promise<{ kind: 'ready' } | { kind: 'off', reason: string, remedy: string }>}
 */
export async function secondEngineState(machine) {
  const { env, isRoot } = machine;
  if (!isRoot) return off('only root can start a second Docker engine');
  if (findProgram('dockerd', machine) === undefined) return off('there is no dockerd to start a second time');
  const unshare = findProgram('unshare', machine) ?? 'unshare';
  try {
    await runCommand(unshare, ['--mount', 'true'], { env, timeoutMs: 30_000 });
    return { kind: 'ready' };
  } catch (error) {
    return off(`a second Docker engine could not mount anything here: ${error.message}`);
  }
}

/** @param {string} reason */
function off(reason) {
  return /** @type {const} */ ({ kind: 'off', reason, remedy });
}
