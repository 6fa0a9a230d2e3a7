import { spawn } from 'node:child_process';

/** Lines of a failed command's output that are shown: some programs put the cause first, some last. */
const shownAtStart = 12;
const shownAtEnd = 30;

/** A command that ended badly; `output` is all it said. */
export class CommandError extends Error {
  /**
   * @param {string} command
   * @param {string} outcome
   * @param {string} output
   */
  constructor(command, outcome, output) {
    super(`${command}: ${outcome}\n${shorten(output)}`.trim());
    this.name = 'CommandError';
    this.output = output;
  }
}

/**
 * Runs a command to its end, quietly; what it said is shown when it fails. Ended when we are interrupted.
 * @param {string} program
 * @param {readonly string[]} argumentList
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<string>} standard output and standard error together
 */
export function runCommand(program, argumentList, { cwd, env, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argumentList, {
      cwd,
      env,
      timeout: timeoutMs,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk) => (output += chunk);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const interrupted = (signal) => {
      child.kill(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    const settled = () => process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    const command = [program, ...argumentList].join(' ');
    child.once('error', (error) => {
      settled();
      reject(new CommandError(command, error.message, output));
    });
    child.once('close', (code, signal) => {
      settled();
      if (code === 0) resolve(output);
      else
        reject(
          new CommandError(
            command,
            signal === null ? `ended with code ${code}` : `ended by ${signal}`,
            output,
          ),
        );
    });
  });
}

/** @param {string} output */
function shorten(output) {
  const lines = output.trim().split('\n');
  if (lines.length <= shownAtStart + shownAtEnd) return lines.join('\n');
  return [...lines.slice(0, shownAtStart), '[...]', ...lines.slice(-shownAtEnd)].join('\n');
}
