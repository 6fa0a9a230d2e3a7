import { createInterface } from 'node:readline/promises';

/**
 * The person's terminal, and how to end, so that a test can be both.
 * @typedef {object} Terminal
 * @property {import('node:tty').ReadStream} input
 * @property {import('node:tty').WriteStream} output
 * @property {(status: number) => void} exit
 */

/** @type {Terminal} */
const ownTerminal = { input: process.stdin, output: process.stderr, exit: (status) => process.exit(status) };

/**
 * Asks on a terminal; without one, or in CI, the answer is yes: whoever runs set-up unattended wants it complete.
 * Ctrl-D is a no. Ctrl-C ends the process: the terminal is raw meanwhile, so no signal would do it.
 * @param {string} question
 * @param {NodeJS.ProcessEnv} env
 * @param {Terminal} [terminal]
 */
export async function confirm(question, env, { input, output, exit } = ownTerminal) {
  if (!input.isTTY || !output.isTTY || env.CI) return true;
  const lines = createInterface({ input, output });
  lines.once('SIGINT', () => {
    lines.close();
    exit(130);
  });
  try {
    const answer = await lines.question(`${question} [Y/n] `);
    return !/^n/i.test(answer.trim());
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
    output.write('\n');
    return false;
  } finally {
    lines.close();
  }
}
