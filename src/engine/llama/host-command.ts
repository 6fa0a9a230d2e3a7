import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface HostCommand {
  readonly entry: string;
  readonly execArgv: readonly string[];
}

/** Lets Node find `x.ts` for an import of `./x.js`, as the compiler does. */
const SOURCE_RESOLUTION = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const fromSource = context.parentURL?.endsWith('.ts') && specifier.startsWith('.');
    return next(fromSource ? specifier.replace(/\\.js$/, '.ts') : specifier, context);
  },
});`;

/**
 * The host runs from where this file runs: compiled from the build, and straight from the sources
 * in tests (Node strips the types), so that a test never meets an old build.
 */
export function hostCommand(): HostCommand {
  const extension = extname(fileURLToPath(import.meta.url));
  const entry = fileURLToPath(new URL(`./host/host${extension}`, import.meta.url));
  if (extension !== '.ts') return { entry, execArgv: [] };
  return {
    entry,
    execArgv: [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      `--import=data:text/javascript,${encodeURIComponent(SOURCE_RESOLUTION)}`,
    ],
  };
}
