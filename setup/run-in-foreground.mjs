import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Hands the terminal to a program and ends as it ends: its exit code, or 128 and its signal.
 * @param {string} program
 * @param {readonly string[]} argumentList
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export function runInForeground(program, argumentList, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argumentList, { env, stdio: 'inherit' });
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGINT'])) {
      // On a terminal Ctrl-C reaches the program by itself; passed on as well, it would count as a second one.
      process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
    }
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

/**
 * Becomes the program: same process, so that signals and exit code need no passing on.
 * @param {string} program
 * @param {readonly string[]} argumentList
 * @param {NodeJS.ProcessEnv} env
 */
export async function becomeProgram(program, argumentList, env) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(program, [program, ...argumentList], definedOnly(env));
  }
  process.exit(await runInForeground(program, argumentList, env));
}

/** @param {NodeJS.ProcessEnv} env */
function definedOnly(env) {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
