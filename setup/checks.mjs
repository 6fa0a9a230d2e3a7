import { join } from 'node:path';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';
import { runCommand } from './run-command.mjs';

/** What holds of the code itself, each with the program that says so. */
const checks = [
  { name: 'types', program: 'typescript/bin/tsc', options: ['--noEmit', '-p', 'tsconfig.json'] },
  { name: 'lint', program: 'oxlint/bin/oxlint', options: ['--type-aware'] },
  { name: 'format', program: 'prettier/bin/prettier.cjs', options: ['--check', '--log-level=warn', '.'] },
  {
    name: 'dependency direction',
    program: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    options: ['src', '--config'],
  },
  { name: 'dead code', program: 'knip/bin/knip.js', options: [] },
];

const atOnce = 2;

/** @returns {Promise<string[]>} the names of those that failed; what they said has been printed */
export async function runChecks() {
  const waiting = [...checks];
  /** @type {string[]} */
  const failed = [];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (!(await passes(check))) failed.push(check.name);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failed;
}

/** @param {(typeof checks)[number]} check */
async function passes({ name, program, options }) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
  try {
    await runCommand(process.execPath, [join(projectRoot, 'node_modules', program), ...options], {
      cwd: projectRoot,
    });
    say(`    ${name}: good, ${seconds()} s`);
    return true;
  } catch (error) {
    say(`    ${name}: FAILED, ${seconds()} s\n${error.output ?? error.message}`);
    return false;
  }
}
