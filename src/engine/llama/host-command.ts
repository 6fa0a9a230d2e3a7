import { extname } from 'node:path';
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
  const { NODE_COMPILE_CACHE } = process.env;
  const environment: Record<string, string> = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
  return { entry, execArgv: extension === '.ts' ? SOURCE_FLAGS : [], environment };
}
