import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCE_FLAGS } from '../../run-from-source.js';

export interface HostCommand {
  readonly entry: string;
  readonly execArgv: readonly string[];
}

/**
 * The host runs from where this file runs: compiled from the build, and straight from the sources
 * in tests (Node strips the types), so that a test never meets an old build.
 */
export function hostCommand(): HostCommand {
  const extension = extname(fileURLToPath(import.meta.url));
  const entry = fileURLToPath(new URL(`./host/host${extension}`, import.meta.url));
  if (extension !== '.ts') return { entry, execArgv: [] };
  return { entry, execArgv: SOURCE_FLAGS };
}
