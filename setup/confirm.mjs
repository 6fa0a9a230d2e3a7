import { createInterface } from 'node:readline/promises';

/**
 * Asks on a terminal; without one, or in CI, the answer is yes: whoever runs set-up unattended wants it complete.
 * @param {string} question
 * @param {NodeJS.ProcessEnv} env
 */
export async function confirm(question, env) {
  if (!process.stdin.isTTY || !process.stderr.isTTY || env.CI) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [Y/n] `);
    return !/^n/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
