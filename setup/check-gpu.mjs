import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { inProjectNode } from './in-project-node.mjs';
import { projectRoot } from './paths.mjs';
import { say } from './progress.mjs';
import { becomeProgram } from './run-in-foreground.mjs';

/** `npm run check:gpu`: set-up, then the model on the GPU and on the CPU, compared. */
async function main() {
  const { prepareProgram } = await import('./set-up.mjs');
  await prepareProgram();
  const program = join(projectRoot, 'dist', 'src', 'check-gpu.main.js');
  await becomeProgram(process.execPath, [program], childEnvironment(process.env));
}

inProjectNode(main).catch((error) => {
  say(`\nthe GPU could not be checked: ${error.message}`);
  process.exitCode = 1;
});
