// Starts the evaluation straight from the product's TypeScript sources: node models/demo/evaluation/run.mjs --help,
// the comparison with the reference implementation: node models/demo/evaluation/run.mjs parity,
// or the model's speed on one core: node models/demo/evaluation/run.mjs speed
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
const OTHER_ENTRIES = { parity: './parity-main.ts', speed: './speed-main.ts' };
const [first, ...others] = process.argv.slice(2);
const other = OTHER_ENTRIES[first];
const [entry, options] = other ? [other, others] : ['./main.ts', process.argv.slice(2)];
const child = spawn(
  process.execPath,
  [...flags, fileURLToPath(new URL(entry, import.meta.url)), ...options],
  { stdio: 'inherit' },
);
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
