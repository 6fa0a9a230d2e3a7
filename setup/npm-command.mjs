import { basename } from 'node:path';

/**
 * How to call npm: the very one that runs us where there is one (its `node` may not be the first on the path), else
 * the one on the path.
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} node
 * @returns {{ program: string, leading: string[] }}
 */
export function npmCommand(environment, node = process.execPath) {
  const running = environment.npm_execpath;
  if (running !== undefined && basename(running) === 'npm-cli.js')
    return { program: node, leading: [running] };
  return { program: 'npm', leading: [] };
}
