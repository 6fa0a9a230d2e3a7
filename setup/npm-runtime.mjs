import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { npmCommand } from './npm-command.mjs';
import { toolchainFolder } from './paths.mjs';
import { step } from './progress.mjs';
import { runCommand } from './run-command.mjs';

const installed = '11.19.1';

/**
 * An npm that runs under this Node: the one at hand, the one fetched earlier, or one fetched now. Debian's finds its
 * dependencies only under Debian's own Node, so it fetches one that brings them along.
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} [folder]
 * @returns {Promise<ReturnType<typeof npmCommand>>}
 */
export async function ensureNpm(environment, folder = join(toolchainFolder, 'npm')) {
  const atHand = npmCommand(environment);
  if (await works(atHand, environment)) return atHand;
  const fetched = {
    program: process.execPath,
    leading: [join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js')],
  };
  if (await works(fetched, environment)) return fetched;
  const what = `npm ${installed} into .toolchain, since the one at hand does not run under Node ${process.versions.node}`;
  await step('npm', what, async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    // Under the Node that it was started with: npm names it, and without that name it is the first on the path.
    const { program, leading } = npmCommand(environment, environment.npm_node_execpath);
    const options = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    await runCommand(program, [...leading, 'install', ...options, '--prefix', folder, `npm@${installed}`], {
      cwd: folder,
      env: { ...childEnvironment(environment), PATH: environment.PATH },
    });
    if (!(await works(fetched, environment))) throw new Error(`the fetched npm does not run: ${folder}`);
  });
  return fetched;
}

/**
 * @param {ReturnType<typeof npmCommand>} npm
 * @param {NodeJS.ProcessEnv} environment
 */
async function works({ program, leading }, environment) {
  return runCommand(program, [...leading, '--version'], { env: childEnvironment(environment) }).then(
    () => true,
    () => false,
  );
}
