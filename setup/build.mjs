import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectRoot } from './paths.mjs';
import { step } from './progress.mjs';
import { runCommand } from './run-command.mjs';
import { filesIn, hashFiles, readStamp, writeStamp } from './stamp.mjs';

const output = join(projectRoot, 'dist');
const stampPath = join(output, '.gantry-build');
const sources = ['src', 'migrations', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** Compiles into dist/ when anything that goes into it has changed. */
export async function ensureBuild() {
  const content = hashFiles(projectRoot, sources);
  const names = sources
    .flatMap((path) => filesIn(join(projectRoot, path)))
    .map((path) => relative(projectRoot, path))
    .toSorted((one, other) => (one < other ? -1 : 1))
    .join('\n');
  const wanted = `${content}\n${names}`;
  const found = readStamp(stampPath);
  if (found === wanted) return;
  await step('build', 'TypeScript into dist/', async () => {
    // A source that is gone must not live on in dist; a build that was interrupted cannot be trusted.
    if (found === undefined || found.slice(found.indexOf('\n') + 1) !== names) {
      rmSync(output, { recursive: true, force: true });
    }
    rmSync(stampPath, { force: true });
    const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    await runCommand(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: projectRoot });
    writeStamp(stampPath, wanted);
  });
}
