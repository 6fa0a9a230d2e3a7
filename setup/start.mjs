import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { inProjectNode } from './in-project-node.mjs';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';
import { becomeProgram } from './run-in-foreground.mjs';

/** `npm start`: all that the server needs, each step only where it is needed, then the server itself. */
async function main() {
  const argumentList = process.argv.slice(2);
  const { loadSettingsFile, prepareProgram, prepareSandbox } = await import('./set-up.mjs');
  loadSettingsFile();
  await prepareProgram();
  const onlyAsks = argumentList.some((argument) => ['--help', '-h'].includes(argument));
  if (!onlyAsks) await prepareSandbox();
  const program = [join(projectRoot, 'dist', 'src', 'main.js'), ...argumentList];
  const environment = childEnvironment(process.env);
  // Whoever starts it by hand reads along; a collector of logs gets JSON.
  if (process.stdout.isTTY) environment.GANTRY_LOG ??= 'people';
  await becomeProgram(process.execPath, ['--no-node-snapshot', ...program], environment);
}

inProjectNode(main).catch((error) => {
  say(`\nset-up stopped: ${error.message}\nRun the same command again to go on from here.`);
  process.exitCode = 1;
});
