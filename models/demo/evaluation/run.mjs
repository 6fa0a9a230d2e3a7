// Starts the evaluation straight from the product's TypeScript sources: node models/demo/evaluation/run.mjs --help
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RESOLUTION = `import { registerHooks } from 'node:module';
registerHooks({
  resolve: (name, context, next) =>
    next(context.parentURL?.endsWith('.ts') && name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, context),
});`;

const flags = [
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  '--no-node-snapshot',
  `--import=data:text/javascript,${encodeURIComponent(RESOLUTION)}`,
];
const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
const child = spawn(process.execPath, [...flags, entry, ...process.argv.slice(2)], { stdio: 'inherit' });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
