import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { npmCommand } from './npm-command.mjs';
import { projectRoot } from './paths.mjs';
import { step } from './progress.mjs';
import { runCommand } from './run-command.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';

/** Inside node_modules: whoever deletes that folder deletes its stamp with it. */
const stampPath = join(projectRoot, 'node_modules', '.gantry-dependencies');

function fingerprint() {
  const lockfile = hashFiles(projectRoot, ['package-lock.json']);
  return [lockfile, process.versions.modules, process.platform, process.arch].join(' ');
}

/**
 * Exactly what the lockfile says. No package's install script runs: the native ones carry their binaries, and the
 * links that PostgreSQL's package lacks are made when it is first started.
 */
export async function ensureDependencies() {
  const wanted = fingerprint();
  if (readStamp(stampPath) === wanted) return;
  await step('dependencies', 'npm ci, without install scripts', async () => {
    rmSync(stampPath, { force: true });
    const { program, leading } = npmCommand(process.env);
    const options = ['--ignore-scripts', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'];
    await runCommand(program, [...leading, 'ci', ...options, '--loglevel=error'], {
      cwd: projectRoot,
      env: childEnvironment(process.env),
    });
    writeStamp(stampPath, wanted);
  });
}
