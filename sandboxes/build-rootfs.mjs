// Makes the root file system of bubblewrap sandboxes. Plain Node (18 or newer) without dependencies: set-up runs it
// before anything is installed. The same content as the image's, with or without a Docker engine.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sandboxImage } from './build-image.mjs';
import { makeFromDebian } from './rootfs/from-debian.mjs';
import { unpackImage } from './rootfs/from-image.mjs';
import { linkSibling } from './rootfs/from-sibling.mjs';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
/** Written last: what has none is not whole. */
const SEAL = 'opt/gantry/.root-file-system';
const UNUSED_DAYS = 30;
const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost\n';

/** Where it is, named like the image: another content is another name. */
export function rootFileSystem(into) {
  return join(into, sandboxImage().split(':')[1]);
}

/** What decides everything in it but the kernel's own files. */
function contentOfImage() {
  return createHash('sha256')
    .update(readFileSync(join(FOLDER, 'python/Dockerfile')))
    .digest('hex');
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** What builds that were killed have left, and what no server has used for a long time. */
function clear(into, keep) {
  for (const name of readdirSync(into)) {
    const path = join(into, name);
    const [, builder] = /^\.building-(\d+)$/.exec(name) ?? [];
    const unusedDays = (Date.now() - statSync(path).mtimeMs) / 86_400_000;
    const isAbandoned = builder !== undefined && !isAlive(Number(builder));
    const isUnused = /^[0-9a-f]{12}$/.test(name) && path !== keep && unusedDays > UNUSED_DAYS;
    if (isAbandoned || isUnused) rmSync(path, { recursive: true, force: true });
  }
}

/** Whatever made it: what each sandbox needs to find. */
function finish(root) {
  for (const name of ['dev', 'proc', 'sys', 'tmp', 'workspace', 'mnt'])
    mkdirSync(join(root, name), { recursive: true });
  for (const [name, content] of [
    ['hosts', HOSTS],
    ['hostname', 'sandbox\n'],
    ['resolv.conf', ''],
  ]) {
    rmSync(join(root, 'etc', name), { force: true });
    writeFileSync(join(root, 'etc', name), content);
  }
  writeFileSync(join(root, SEAL), contentOfImage());
}

/** In turn, the quickest first; the first that works. */
function waysTo(root, { into, env, log, existing }) {
  const folder = FOLDER;
  const say = (line) => log(`root file system: ${line}`);
  const link = () => linkSibling({ folder, into, root, seal: SEAL, content: contentOfImage(), env });
  return [
    // What damaged the one that is replaced may have damaged the files that others share with it.
    ...(existing === 'replace' ? [] : [{ way: 'from another version', make: link }]),
    { way: 'from the Docker image', make: () => unpackImage({ image: sandboxImage(), root, env }) },
    { way: 'from Debian’s packages', make: () => makeFromDebian({ folder, root, env, log: say }) },
  ];
}

/** Under a name of its own until it is whole; another build of the same may have been quicker. */
function takeName(root, path) {
  try {
    renameSync(root, path);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    rmSync(root, { recursive: true, force: true });
  }
}

/**
 * Makes it if it is not there. Resolves to `{ state: 'ready', path }` or `{ state: 'unavailable', path, reason }`; never
 * rejects for what the machine lacks. Safe to interrupt.
 *
 * @param {object} options
 * @param {string} options.into the folder that holds one for each version
 * @param {(line: string) => void} options.log
 * @param {NodeJS.ProcessEnv} options.env
 * @param {'keep' | 'replace'} [options.existing]
 */
export async function ensureRootFileSystem({ into, log, env, existing = 'keep' }) {
  const path = rootFileSystem(into);
  mkdirSync(into, { recursive: true });
  clear(into, path);
  if (existing === 'replace' || (existsSync(path) && !existsSync(join(path, SEAL)))) {
    rmSync(path, { recursive: true, force: true });
  }
  if (existsSync(path)) {
    // Says that it is in use.
    utimesSync(path, new Date(), new Date());
    return { state: 'ready', path };
  }
  const root = join(into, `.building-${process.pid}`);
  const reasons = [];
  for (const { way, make } of waysTo(root, { into, env, log, existing })) {
    const started = Date.now();
    const reason = await make();
    if (reason === undefined) {
      finish(root);
      takeName(root, path);
      log(`root file system: made ${way} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
      return { state: 'ready', path };
    }
    rmSync(root, { recursive: true, force: true });
    reasons.push(`${way}: ${reason}`);
  }
  return { state: 'unavailable', path, reason: `It could not be made.\n${reasons.join('\n')}` };
}

/** @param {readonly string[]} args */
function optionsOf(args) {
  const at = args.indexOf('--into');
  // oxlint-disable-next-line no-process-env -- run as a script, this is the program's own entry
  const home = resolve(process.env.GANTRY_HOME || join(homedir(), '.gantry'));
  return {
    into: at === -1 ? join(home, 'rootfs') : resolve(args[at + 1] ?? '.'),
    existing: args.includes('--again') ? 'replace' : 'keep',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { into, existing } = optionsOf(process.argv.slice(2));
  // oxlint-disable-next-line no-process-env -- as above
  const result = await ensureRootFileSystem({
    into,
    existing,
    log: (line) => console.log(line),
    env: process.env,
  });
  console.log(result.state === 'ready' ? `root file system: ${result.path} is ready` : result.reason);
  process.exitCode = result.state === 'ready' ? 0 : 1;
}
