import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PostgreSQL refuses to run as root, so root lends it an account of its own. */
const accountName = 'gantry-postgres';

/** The operating-system account that PostgreSQL runs under. */
export type PostgresAccount =
  { readonly kind: 'self' } | { readonly kind: 'other'; readonly uid: number; readonly gid: number };

/**
 * Ourselves when we are no root; else the account `gantry-postgres`, made now when it is absent.
 * Throws with what to do when it can be neither found nor made.
 */
export async function postgresAccount(): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const found = await lookUp();
  if (found !== undefined) return found;
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell'];
  const failure: unknown = await run('useradd', [...options, '/usr/sbin/nologin', accountName]).catch(
    (error: unknown) => error,
  );
  // Asked again even after a failure: another process may have made it in the same moment.
  const made = await lookUp();
  if (made !== undefined) return made;
  throw new Error(
    `PostgreSQL does not run as root and the account ${accountName} could not be made. ` +
      `Make it by hand (useradd --system ${accountName}), start Gantry as an ordinary user, or set DATABASE_URL.`,
    { cause: failure },
  );
}

async function lookUp(): Promise<PostgresAccount | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', accountName]), run('id', ['-g', accountName])]);
    return { kind: 'other', uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** The spawn options that make a child run under the account. */
export function identityOf(account: PostgresAccount): { uid?: number; gid?: number } {
  return account.kind === 'self' ? {} : { uid: account.uid, gid: account.gid };
}

/** Whether the account can enter this folder: asked of the kernel, since modes alone do not tell (ACLs, mounts). */
export function canEnter(account: PostgresAccount, folder: string): Promise<boolean> {
  return succeeds(account, 'cd "$1"', folder);
}

/** Whether the account can execute this file. */
export function canExecute(account: PostgresAccount, file: string): Promise<boolean> {
  return succeeds(account, 'test -x "$1"', file);
}

async function succeeds(account: PostgresAccount, script: string, path: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', script, 'sh', path], { cwd: '/', env: {}, ...identityOf(account) });
    return true;
  } catch {
    return false;
  }
}
