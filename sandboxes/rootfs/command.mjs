import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 15;

/** @typedef {{ status: number, tail: string }} Ended the exit status, 127 when there is no such program, and its last words */

/**
 * Runs a command, without a shell, and never rejects.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env: NodeJS.ProcessEnv, cwd?: string, input?: import('node:stream').Readable }} options
 * @returns {Promise<Ended>}
 */
export function run(command, args, { env, cwd = '/', input }) {
  return new Promise((resolve) => {
    const tail = [];
    const child = spawn(command, args, {
      env,
      cwd,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        tail.push(line);
        if (tail.length > KEPT_LINES) tail.shift();
      });
    }
    if (input !== undefined && child.stdin !== null) {
      child.stdin.on('error', () => undefined);
      input.pipe(child.stdin);
    }
    child.on('error', (error) => resolve({ status: 127, tail: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, tail: tail.join('\n') }));
  });
}

/** As `run`, but throws what the command said when it fails. */
export async function mustRun(command, args, options) {
  const { status, tail } = await run(command, args, options);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${tail}`);
}
