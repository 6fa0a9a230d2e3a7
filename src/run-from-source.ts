/** Lets Node find `x.ts` for an import of `./x.js`, as the compiler does. */
const RESOLUTION = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const fromSource = context.parentURL?.endsWith('.ts') && specifier.startsWith('.');
    return next(fromSource ? specifier.replace(/\\.js$/, '.ts') : specifier, context);
  },
});`;

export const SOURCE_RESOLUTION_FLAG = `--import=data:text/javascript,${encodeURIComponent(RESOLUTION)}`;

/** With these flags Node runs a program straight from this project's TypeScript, without decorators. */
export const SOURCE_FLAGS: readonly string[] = [
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  SOURCE_RESOLUTION_FLAG,
];
