import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { confirm } from './confirm.mjs';
import { probeEngine } from './docker-probe.mjs';
import { defaultSocket } from './engine-target.mjs';
import { findProgram } from './find-program.mjs';
import { say, step } from './progress.mjs';
import { runCommand } from './run-command.mjs';

const answerWithinMs = 60_000;

/**
 * @typedef {{ kind: 'ready' } | { kind: 'off', reason: string, remedy: string }} EngineState
 *
 * What is looked at and where, so that a test can set up another machine.
 * @typedef {object} Machine
 * @property {NodeJS.ProcessEnv} env
 * @property {string} home Gantry's data directory
 * @property {boolean} isRoot
 * @property {boolean} hasSystemd
 * @property {readonly string[]} programFolders
 * @property {string} socket where the engine listens when DOCKER_HOST does not say
 * @property {string} pidFile
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} home
 * @returns {Machine}
 */
export function thisMachine(env, home) {
  return {
    env,
    home,
    isRoot: process.getuid?.() === 0,
    hasSystemd: existsSync('/run/systemd/system'),
    // An ordinary shell's path often lacks the places where Debian puts programs of the system.
    programFolders: [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean),
    socket: defaultSocket,
    pidFile: '/var/run/docker.pid',
  };
}

/**
 * An engine that answers: the running one, the installed one started now, or one installed now. Never throws: what
 * is missing without an engine is said, and start-up goes on.
 * @param {Machine} machine
 * @returns {Promise<EngineState>}
 */
export async function ensureDockerEngine(machine) {
  const { env } = machine;
  if (env.GANTRY_SANDBOX === 'none' || env.GANTRY_SANDBOX === 'bubblewrap') {
    return off(`GANTRY_SANDBOX is ${env.GANTRY_SANDBOX}`, 'set GANTRY_SANDBOX=auto');
  }
  try {
    const found = await probeEngine(env, machine.socket);
    if (found.kind !== 'silent') return { kind: 'ready' };
    if (env.DOCKER_HOST)
      return off(`no engine answers at DOCKER_HOST (${found.code})`, 'start it, or unset DOCKER_HOST');
    if (found.code === 'EACCES') {
      return off(
        'this account may not use the Docker engine',
        'add it to the group docker and sign in again',
      );
    }
    return await bringUp(machine);
  } catch (error) {
    return off(error.message, 'start the Docker engine by hand');
  }
}

/** @param {Machine} machine */
async function bringUp(machine) {
  if (findProgram('dockerd', machine) === undefined) {
    const refusal = await install(machine);
    if (refusal !== undefined) return refusal;
    // Debian's package may have started it already.
    if (await answers(machine)) return /** @type {const} */ ({ kind: 'ready' });
  }
  if (!machine.isRoot)
    return off('the Docker engine is installed but does not run', 'start it as root: systemctl start docker');
  // Twice: after a dockerd that was killed, the first start only clears away the containerd it has left behind.
  await step('docker', 'starting the engine', () => start(machine).catch(() => start(machine)));
  return /** @type {const} */ ({ kind: 'ready' });
}

/**
 * @param {Machine} machine
 * @returns {Promise<EngineState | undefined>} why it was not installed
 */
async function install(machine) {
  const { env, isRoot } = machine;
  const apt = findProgram('apt-get', machine);
  if (apt === undefined)
    return off('no Docker engine is installed', 'install one: https://docs.docker.com/engine/install/');
  if (!isRoot) return off('no Docker engine is installed', 'as root: apt-get install docker.io');
  const question =
    'No Docker engine is installed; python and terminal need one. Install docker.io from Debian now?';
  if (!(await confirm(question, env)))
    return off('no Docker engine is installed', 'apt-get install docker.io');
  try {
    await step('docker', 'installing docker.io with apt-get', () => installPackages(apt, env));
    return undefined;
  } catch (error) {
    return off(error.message, 'see to that, then run the same command again');
  }
}

/**
 * @param {string} apt
 * @param {NodeJS.ProcessEnv} env
 */
async function installPackages(apt, env) {
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
  await runCommand(apt, ['update'], quiet);
  // From Debian 13 on the docker command is a package of its own.
  const hasClientPackage = await runCommand('apt-cache', ['show', 'docker-cli'], quiet).then(
    () => true,
    () => false,
  );
  const packages = ['docker.io', ...(hasClientPackage ? ['docker-cli'] : [])];
  await runCommand(apt, ['install', '-y', '--no-install-recommends', ...packages], quiet);
}

/** @param {Machine} machine */
async function start(machine) {
  if (machine.hasSystemd) {
    await runCommand('systemctl', ['start', 'docker'], { env: machine.env });
    return waitForAnswer(machine, () => undefined);
  }
  const program = findProgram('dockerd', machine);
  if (program === undefined) throw new Error('dockerd is not on the path');
  dropStalePidFile(machine.pidFile);
  mkdirSync(machine.home, { recursive: true });
  const logPath = join(machine.home, 'dockerd.log');
  const log = openSync(logPath, 'w', 0o600);
  let ended = '';
  // A session of its own: the engine serves other programs too and outlives this one.
  const child = spawn(program, [], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: machine.env,
  });
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `dockerd ended with ${signal ?? `code ${code}`}`));
  child.unref();
  say(`    docker: dockerd runs as process ${child.pid ?? '?'}, its log is ${logPath}`);
  return waitForAnswer(machine, () => {
    if (ended === '') return undefined;
    return `${ended}; the end of ${logPath}:\n${readFileSync(logPath, 'utf8').trim().split('\n').slice(-8).join('\n')}`;
  });
}

/**
 * @param {Machine} machine
 * @param {() => string | undefined} failure
 */
async function waitForAnswer(machine, failure) {
  const deadline = Date.now() + answerWithinMs;
  while (Date.now() < deadline) {
    if (await answers(machine)) return;
    const reason = failure();
    if (reason !== undefined) throw new Error(reason);
    await delay(100);
  }
  throw new Error(`the Docker engine does not answer after ${answerWithinMs / 1000} s`);
}

/** @param {Machine} machine */
async function answers({ socket }) {
  return (await probeEngine({}, socket)).kind === 'answers';
}

/**
 * After a machine was killed the file's number may belong to any process, and dockerd would refuse to start.
 * @param {string} pidFile
 */
function dropStalePidFile(pidFile) {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const owner = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
    if (basename(owner) !== 'dockerd') rmSync(pidFile);
  } catch {
    // No file, or no such process: dockerd sees to both.
  }
}

/**
 * @param {string} reason
 * @param {string} remedy
 * @returns {EngineState}
 */
function off(reason, remedy) {
  return { kind: 'off', reason, remedy };
}
