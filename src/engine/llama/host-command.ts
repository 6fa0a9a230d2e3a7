import { getCompileCacheDir } from 'node:module';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCE_FLAGS } from '../../run-from-source.js';

export interface HostCommand {
  readonly entry: string;
  readonly execArgv: readonly string[];
  /** Whatever else a host is given: where compiled code is kept. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The host runs from where this file runs: compiled from the build, and straight from the sources
 * in tests (Node strips the types), so that a test never meets an old build.
 */
export function hostCommand(): HostCommand {
  const extension = extname(fileURLToPath(import.meta.url));
  const entry = fileURLToPath(new URL(`./host/host${extension}`, import.meta.url));
  // Node tells the folder of its own version, inside of the one that it was given.
  const kept = getCompileCacheDir();
  const environment: Record<string, string> = kept === undefined ? {} : { NODE_COMPILE_CACHE: dirname(kept) };
  return { entry, execArgv: extension === '.ts' ? SOURCE_FLAGS : [], environment };
}
