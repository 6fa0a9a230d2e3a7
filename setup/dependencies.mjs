import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { ensureNpm } from './npm-runtime.mjs';
import { projectRoot } from './paths.mjs';
import { step } from './progress.mjs';
import { runCommand } from './run-command.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';

const modules = join(projectRoot, 'node_modules');

/** Inside node_modules: whoever deletes that folder deletes its stamp with it. */
const stampPath = join(modules, '.gantry-dependencies');

function fingerprint() {
  const lockfile = hashFiles(projectRoot, ['package-lock.json']);
  return [lockfile, process.versions.modules, process.platform, process.arch].join(' ');
}

/**
 * What the lockfile says, into an empty folder. No package's install script runs: the native ones carry their
 * binaries, and the links that PostgreSQL's package lacks are made when it is first started.
 *
 * `npm install` rather than `npm ci`: a lockfile made against a registry that lacks some optional packages for other
 * platforms lacks them too, which `ci` refuses and `install` lets pass. Versions and checksums are held to alike.
 */
export async function ensureDependencies() {
  const wanted = fingerprint();
  if (readStamp(stampPath) === wanted) return;
  const { program, leading } = await ensureNpm(process.env);
  await step('dependencies', 'npm packages of the lockfile, without install scripts', async () => {
    // The stamp goes first: what an interrupted removal leaves must not look whole.
    rmSync(stampPath, { force: true });
    rmSync(modules, { recursive: true, force: true });
    const options = ['--ignore-scripts', '--no-save', '--include=dev', '--no-audit', '--no-fund'];
    await runCommand(program, [...leading, 'install', ...options, '--loglevel=error'], {
      cwd: projectRoot,
      env: childEnvironment(process.env),
    });
    writeStamp(stampPath, wanted);
  });
}
