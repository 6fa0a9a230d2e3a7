import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { confirm } from './confirm.mjs';
import { findProgram } from './find-program.mjs';
import { projectRoot } from './paths.mjs';
import { say, step } from './progress.mjs';
import { runCommand } from './run-command.mjs';

const builder = join(projectRoot, 'sandboxes', 'build-rootfs.mjs');
/** Any account but root: as root, a start would say nothing about how sandboxes are started. */
const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
const SMALLEST_SANDBOX = [
  '--unshare-all',
  '--unshare-user',
  '--uid',
  '10001',
  '--gid',
  '10001',
  '--ro-bind',
  '/',
  '/',
];

/**
 * @typedef {{ kind: 'ready' } | { kind: 'off', reason: string, remedy: string }} BubblewrapState
 * @typedef {Pick<import('./docker-engine.mjs').Machine, 'env' | 'isRoot' | 'programFolders'>} Machine
 * @typedef {{ state: 'ready' } | { state: 'unavailable', reason: string }} RootFileSystem
 */

/**
 * Bubblewrap that starts sandboxes, and what they see as their root: there already, or made now. Never throws: what is
 * missing without them is said.
 * @param {Machine} machine
 * @param {string} into the folder that holds a root file system for each version
 * @param {(into: string, machine: Machine) => Promise<RootFileSystem>} [makeRoot]
 * @returns {Promise<BubblewrapState>}
 */
export async function ensureBubblewrap(machine, into, makeRoot = buildRoot) {
  if (process.platform !== 'linux') return off('bubblewrap needs Linux', 'use Docker');
  try {
    const missing = await ensureProgram('bwrap', 'bubblewrap', machine);
    if (missing !== undefined) return missing;
    const refusal = await tryOne(machine);
    if (refusal !== undefined) return refusal;
    const first = await makeRoot(into, machine);
    if (first.state === 'ready') return { kind: 'ready' };
    if (findProgram('debootstrap', machine) !== undefined) return withoutRoot(first.reason);
    // No image to take it from: out of Debian's packages then.
    const without = await ensureProgram('debootstrap', 'debootstrap', machine);
    if (without !== undefined) return without;
    const second = await makeRoot(into, machine);
    return second.state === 'ready' ? { kind: 'ready' } : withoutRoot(second.reason);
  } catch (error) {
    return off(error.message, 'see to that, then run the same command again');
  }
}

/**
 * @param {string} name
 * @param {string} debianPackage
 * @param {Machine} machine
 * @returns {Promise<BubblewrapState | undefined>} why it is still not there
 */
async function ensureProgram(name, debianPackage, machine) {
  const { env, isRoot } = machine;
  if (findProgram(name, machine) !== undefined) return undefined;
  const apt = findProgram('apt-get', machine);
  const missing = `${debianPackage} is not installed`;
  if (apt === undefined) return off(missing, `install ${debianPackage}`);
  const command = `apt-get install ${debianPackage}`;
  if (!isRoot) return off(missing, `as root: ${command}`);
  if (!(await confirm(`Sandboxes without Docker need ${debianPackage}. Install it from Debian now?`, env)))
    return off(missing, command);
  await step('bubblewrap', `installing ${debianPackage} with apt-get`, async () => {
    const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
    const install = () => runCommand(apt, ['install', '-y', '--no-install-recommends', debianPackage], quiet);
    // The package lists of a fresh machine may be absent or old.
    await install().catch(async () => {
      await runCommand(apt, ['update'], quiet);
      await install();
    });
  });
  return undefined;
}

/**
 * @param {Machine} machine
 * @returns {Promise<BubblewrapState | undefined>} why no sandbox starts
 */
async function tryOne(machine) {
  const { env, isRoot } = machine;
  const bubblewrap = findProgram('bwrap', machine) ?? 'bwrap';
  const setpriv = findProgram('setpriv', machine) ?? 'setpriv';
  const sandbox = [bubblewrap, ...SMALLEST_SANDBOX, '--', '/bin/true'];
  const [program = '', ...argumentList] = isRoot ? [setpriv, ...NOBODY, ...sandbox] : sandbox;
  try {
    await runCommand(program, argumentList, { env, timeoutMs: 30_000 });
    return undefined;
  } catch (error) {
    return off(
      `bubblewrap cannot start a sandbox on this machine: ${(error.output ?? error.message).trim()}`,
      'let ordinary accounts make user namespaces (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns); inside an ordinary container it cannot work',
    );
  }
}

/**
 * @param {string} into
 * @param {Machine} machine
 * @returns {Promise<RootFileSystem>}
 */
async function buildRoot(into, { env }) {
  const { ensureRootFileSystem } = await import(pathToFileURL(builder).href);
  return ensureRootFileSystem({ into, log: (line) => say(`    ${line}`), env });
}

/** @param {string} reason */
function withoutRoot(reason) {
  return off(`there is no root file system: ${reason}`, 'see to that, then run the same command again');
}

/**
 * @param {string} reason
 * @param {string} remedy
 * @returns {BubblewrapState}
 */
function off(reason, remedy) {
  return { kind: 'off', reason, remedy };
}
