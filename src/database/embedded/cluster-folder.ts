import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readlink, realpath, rmdir, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { canEnter, type PostgresAccount } from './postgres-account.js';
import { openSharedStateFolder, sharedStateFolder } from './shared-state-folder.js';

/**
 * Makes `wanted` a folder that the account can enter, and returns its real path. Where it cannot (a data directory
 * under root's home), the folder is made in `shared` and `wanted` becomes a symbolic link to it.
 */
export async function clusterFolder(
  wanted: string,
  account: PostgresAccount,
  log: (line: string) => void,
  shared = sharedStateFolder,
): Promise<string> {
  const linked = await readlink(wanted).catch(() => undefined);
  // A link whose target is gone must not stop the start: mkdir makes the target again.
  const made = linked === undefined ? resolve(wanted) : resolve(dirname(wanted), linked);
  await makeFolder(made, account);
  if (await canEnter(account, made)) return realpath(made);
  if (linked !== undefined || (await readdir(made)).length > 0) {
    throw new Error(
      `PostgreSQL runs under an account of its own and cannot enter ${made}. ` +
        'Open the folders on the way to it for passing through (chmod o+x), or choose another GANTRY_HOME.',
    );
  }
  const outside = join(shared, createHash('sha256').update(made).digest('hex').slice(0, 16));
  await openSharedStateFolder(shared);
  await makeFolder(outside, account);
  if (!(await canEnter(account, outside))) throw new Error(`PostgreSQL's account cannot enter ${outside}`);
  await rmdir(made);
  await symlink(outside, made);
  log(`the database lies in ${outside}: PostgreSQL's own account cannot enter ${made}`);
  return realpath(outside);
}

async function makeFolder(path: string, account: PostgresAccount): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, account.kind === 'self' ? 0o700 : 0o711);
}
