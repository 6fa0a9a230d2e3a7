import { ensureNode } from './node-runtime.mjs';
import { withLock } from './clone-lock.mjs';
import { runInForeground } from './run-in-foreground.mjs';

/**
 * Runs `main` when this Node can run the project, else this very command again under one that can. Only this file and
 * what it imports must be legible to an old Node.
 * @param {() => Promise<void>} main
 */
export async function inProjectNode(main) {
  const node = await withLock(ensureNode);
  if (node === process.execPath) return main();
  process.exitCode = await runInForeground(node, process.argv.slice(1), process.env);
}
