import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { npmCommand } from './npm-command.mjs';
import { toolchainFolder } from './paths.mjs';
import { step } from './progress.mjs';
import { runCommand } from './run-command.mjs';

/** The native packages are built for the interface of Node 24, and one of them needs 24.11. */
const wanted = { major: 24, minor: 11 };
const installed = '24.21.0';

/** @param {string} version as `process.versions.node` writes it */
export function isSuitable(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major === wanted.major && minor >= wanted.minor;
}

/**
 * The npm package `node` is a shell around one package per platform that holds nothing but the binary, copied into
 * place by an install script. We take that package itself and run no script.
 */
function platformPackage() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

/** Where set-up puts its own Node. */
export function toolchainNode() {
  const folder = join(toolchainFolder, 'node_modules', platformPackage(), 'bin');
  return join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * A Node that can run the project: the one at hand, the one fetched earlier, or one fetched now from the npm
 * registry into the clone.
 * @returns {Promise<string>} the path of its binary
 */
export async function ensureNode() {
  if (isSuitable(process.versions.node)) return process.execPath;
  const node = toolchainNode();
  if (await works(node)) return node;
  const what = `Node ${installed} into .toolchain, since Node ${process.versions.node} is not 24.11 or a newer 24`;
  await step('node', what, async () => {
    // Whatever an interrupted fetch has left is no ground to build on.
    rmSync(join(toolchainFolder, 'node_modules'), { recursive: true, force: true });
    mkdirSync(toolchainFolder, { recursive: true });
    const { program, leading } = npmCommand(process.env);
    const options = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    await runCommand(
      program,
      [...leading, 'install', ...options, '--prefix', toolchainFolder, `${platformPackage()}@${installed}`],
      { cwd: toolchainFolder, env: childEnvironment(process.env) },
    );
    if (!(await works(node))) throw new Error(`the fetched Node does not run: ${node}`);
  });
  return node;
}

/** @param {string} node */
async function works(node) {
  return runCommand(node, ['--version']).then(
    (version) => isSuitable(version.trim()),
    () => false,
  );
}
