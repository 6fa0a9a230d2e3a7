import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';

const KERNEL = 'opt/gantry/gantry_kernel';

/**
 * A root file system that differs in the kernel's files alone: everything else is linked, which takes a second and no
 * room. Nobody writes to either.
 * @returns {Promise<string | undefined>} why it cannot be done, or nothing
 */
export async function linkSibling({ folder, into, root, seal, content, env }) {
  const sibling = siblings(into).find((path) => sealOf(path, seal) === content);
  if (sibling === undefined) return 'there is none of another version to take over';
  const linked = await run('cp', ['--archive', '--link', sibling, root], { env });
  if (linked.status !== 0) return `linking ${sibling} failed: ${linked.tail}`;
  // The links go, not what they link to.
  rmSync(join(root, KERNEL), { recursive: true });
  rmSync(join(root, seal));
  const filter = (path) => !path.endsWith('__pycache__');
  cpSync(join(folder, 'kernel/gantry_kernel'), join(root, KERNEL), { recursive: true, filter });
  // Without bubblewrap to do it in there, each start compiles: slower, not wrong.
  const place = ['--bind', root, '/', '--dev', '/dev', '--proc', '/proc', '--die-with-parent'];
  await run('bwrap', [...place, '--', '/usr/bin/python3', '-m', 'compileall', '-q', `/${KERNEL}`], { env });
  return undefined;
}

function siblings(into) {
  return existsSync(into)
    ? readdirSync(into)
        .filter((name) => !name.startsWith('.'))
        .map((name) => join(into, name))
    : [];
}

function sealOf(path, seal) {
  try {
    return readFileSync(join(path, seal), 'utf8');
  } catch {
    return undefined;
  }
}
