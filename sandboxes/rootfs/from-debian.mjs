import { cpSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { mustRun, run } from './command.mjs';
import { dockerfileSteps } from './dockerfile-steps.mjs';

const SUITE = 'bookworm';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How the mirror is reached is the machine's affair; nothing else of the environment goes in. */
const HANDED_ON = /^(https?|ftp|no)_proxy$/i;

/**
 * Makes `root` out of Debian's packages: debootstrap, then what the Dockerfile says. Needs root, debootstrap and
 * bubblewrap, which runs each step in `root` and takes its mounts and processes along when it ends.
 * @returns {Promise<string | undefined>} why it cannot be done, or nothing
 */
export async function makeFromDebian({ folder, root, env, log }) {
  if (process.getuid?.() !== 0) return 'making it from Debian’s packages needs root';
  for (const program of ['debootstrap', 'bwrap']) {
    if ((await run(program, ['--version'], { env })).status === 127) return `${program} is not installed`;
  }
  try {
    log('fetching the Debian base with debootstrap');
    await mustRun('debootstrap', ['--variant=minbase', SUITE, root], { env });
    await inRoot(root, addUpdates(root), env);
    const steps = dockerfileSteps(readFileSync(join(folder, 'python/Dockerfile'), 'utf8'));
    for (const [index, step] of steps.entries()) {
      log(`step ${index + 1}/${steps.length} ${summary(step)}`);
      if (step.kind === 'run') await inRoot(root, step.script, env);
      else copyInto(root, join(folder, step.from), step.to);
    }
    rmSync(join(root, 'etc/resolv.conf'), { force: true });
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/** As python/make-base.sh does for the image. */
function addUpdates(root) {
  const sources = readFileSync(join(root, 'etc/apt/sources.list'), 'utf8');
  const mirror = /^deb (\S+)/m.exec(sources)?.[1];
  if (mirror === undefined) return 'true';
  const lines = [`deb ${mirror} ${SUITE}-updates main`, `deb ${mirror}-security ${SUITE}-security main`];
  return `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >> /etc/apt/sources.list && rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/locale/*`;
}

function copyInto(root, from, to) {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  cpSync(from, join(root, to), { recursive: true, filter: (path) => !path.endsWith('__pycache__') });
}

function inRoot(root, script, env) {
  const handedOn = Object.entries(env).filter(([name]) => HANDED_ON.test(name));
  const walls = ['--bind', root, '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/run'];
  const life = ['--unshare-pid', '--die-with-parent', '--cap-add', 'ALL', '--chdir', '/', '--clearenv'];
  const variables = [['PATH', PATH], ['HOME', '/root'], ...handedOn].flatMap(([name, value]) => [
    '--setenv',
    name,
    value,
  ]);
  return mustRun('bwrap', [...walls, ...life, ...variables, '/bin/sh', '-ec', script], { env });
}

function summary(step) {
  return step.kind === 'run' ? `RUN ${step.script.split('\n')[0].slice(0, 50)}` : `COPY ${step.from}`;
}
