import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { inProjectNode } from './in-project-node.mjs';
import { projectRoot } from './paths.mjs';
import { say, step } from './progress.mjs';
import { runCommand } from './run-command.mjs';
import { becomeProgram } from './run-in-foreground.mjs';

/**
 * `npm run bench [area ...]`: set-up, then the measurements of test/bench against the built server.
 * `npm run bench soak -- --minutes 10 --sessions 8` watches its memory instead.
 */
async function main() {
  const { prepareProgram, prepareSandbox } = await import('./set-up.mjs');
  await prepareProgram();
  await prepareSandbox();
  await step('build', 'the measurements', () => {
    const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    return runCommand(process.execPath, [compiler, '-p', join('test', 'bench', 'tsconfig.json')], {
      cwd: projectRoot,
    });
  });
  const program = join(projectRoot, 'dist', 'test', 'bench', 'main.js');
  const options = ['--no-node-snapshot', program, ...process.argv.slice(2)];
  await becomeProgram(process.execPath, options, childEnvironment(process.env));
}

inProjectNode(main).catch((error) => {
  say(`\nthe measurements could not be run: ${error.message}`);
  process.exitCode = 1;
});
