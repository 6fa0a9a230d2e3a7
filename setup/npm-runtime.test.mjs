import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureNpm } from './npm-runtime.mjs';

let machine;
let cli;
beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'gantry-npm-'));
  cli = join(machine, 'npm-cli.js');
});
afterEach(() => rmSync(machine, { recursive: true, force: true }));

/** Debian's Node, which looks for modules in one more folder, and its npm, which has its own there. */
function installDebian() {
  mkdirSync(join(machine, 'modules'));
  writeFileSync(join(machine, 'modules', 'packaged-apart.js'), '');
  const node = join(machine, 'node');
  writeFileSync(node, `#!/bin/sh\nNODE_PATH="${machine}/modules" exec "${process.execPath}" "$@"\n`);
  writeFileSync(
    cli,
    `#!/usr/bin/env node
    require('packaged-apart');
    const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
    appendFileSync('${machine}/calls', process.argv.at(-1) + '\\n');
    const bin = process.argv[process.argv.indexOf('--prefix') + 1] + '/node_modules/npm/bin';
    mkdirSync(bin, { recursive: true });
    writeFileSync(bin + '/npm-cli.js', 'console.log("11.0.0")');`,
  );
  writeFileSync(join(machine, 'npm'), `#!/bin/sh\nexec node "${cli}" "$@"\n`);
  chmodSync(node, 0o755);
  chmodSync(join(machine, 'npm'), 0o755);
}

describe('ensureNpm', () => {
  it('takes the npm that runs us where this Node runs it', async () => {
    writeFileSync(cli, 'console.log("11.0.0")');
    const npm = await ensureNpm({ PATH: '/usr/bin:/bin', npm_execpath: cli }, join(machine, 'fetched'));
    expect(npm).toEqual({ program: process.execPath, leading: [cli] });
  });

  it.each([
    [
      'under the Node that npm names',
      () => ({ npm_execpath: cli, npm_node_execpath: join(machine, 'node') }),
    ],
    ['under the first one on the path', () => ({})],
  ])('lets an npm that only its own Node runs fetch another, once, %s', async (_, named) => {
    installDebian();
    const environment = { PATH: `${machine}:/usr/bin:/bin`, ...named() };
    const folder = join(machine, 'fetched');
    const expected = {
      program: process.execPath,
      leading: [join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js')],
    };
    expect(await ensureNpm(environment, folder)).toEqual(expected);
    expect(await ensureNpm(environment, folder)).toEqual(expected);
    expect(readFileSync(join(machine, 'calls'), 'utf8')).toMatch(/^npm@[\d.]+\n$/);
  });
});
