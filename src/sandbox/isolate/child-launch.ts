import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCE_RESOLUTION_FLAG } from '../../run-from-source.js';

/**
 * Starts the child, with fd 3 as its pipe and a little of its stderr for the cause of death. Its Node may read
 * this folder and the packages, and may neither write nor start anything: a seat belt, since native code
 * stands outside of Node's permission model; the wall is the isolate in a process without secrets.
 * `ulimit -c 0`: a guest that exhausts its heap aborts the child, and must not fill the disk with cores.
 */
export function launchChild(memoryLimitMb: number): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const folder = dirname(fileURLToPath(import.meta.url));
  const modules = join(dirname(createRequire(import.meta.url).resolve('isolated-vm/package.json')), '..');
  const packages = [join(modules, '..', 'package.json'), join(modules, '..', 'dist', 'package.json')];
  // node-gyp-build looks at the last one to tell musl from glibc.
  const readable = [`${folder}/*`, `${modules}/*`, ...packages, '/etc/alpine-release'];
  const flags = [
    '--no-node-snapshot',
    '--disable-warning=PERM0001',
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(fromSource ? [SOURCE_RESOLUTION_FLAG] : []),
  ];
  const entry = join(folder, `isolate-child.${fromSource ? 'ts' : 'js'}`);
  const command = [process.execPath, ...flags, entry, String(memoryLimitMb)];
  return spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', ...command], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: false,
  });
}
