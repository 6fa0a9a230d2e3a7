// Starts the evaluation straight from the product's TypeScript sources: node models/demo/evaluation/run.mjs --help,
// the comparison with the reference implementation: node models/demo/evaluation/run.mjs parity,
// or the model's speed on one core: node models/demo/evaluation/run.mjs speed
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SOURCE_FLAGS } from '../../../src/run-from-source.ts';

const OTHER_ENTRIES = { parity: './parity-main.ts', speed: './speed-main.ts' };
const [first, ...others] = process.argv.slice(2);
const other = OTHER_ENTRIES[first];
const [entry, options] = other ? [other, others] : ['./main.ts', process.argv.slice(2)];
const child = spawn(
  process.execPath,
  [...SOURCE_FLAGS, '--no-node-snapshot', fileURLToPath(new URL(entry, import.meta.url)), ...options],
  { stdio: 'inherit' },
);
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
