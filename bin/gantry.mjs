#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isSuitable, toolchainNode } from '../setup/node-runtime.mjs';
import { projectRoot } from '../setup/paths.mjs';
import { becomeProgram } from '../setup/run-in-foreground.mjs';

const program = join(projectRoot, 'dist', 'src', 'cli', 'main.js');
const node = isSuitable(process.versions.node) ? process.execPath : toolchainNode();

if (!existsSync(program) || !existsSync(node)) {
  console.error(`gantry is not set up yet: run npm start in ${projectRoot} first`);
  process.exitCode = 1;
} else {
  await becomeProgram(node, ['--no-node-snapshot', program, ...process.argv.slice(2)], process.env);
}
