import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.js';
import { writeOnce } from '../../write-once.js';
import { removeAbandoned } from './abandoned-staging.js';
import { clusterFolder } from './cluster-folder.js';
import { identityOf, postgresAccount, type PostgresAccount } from './postgres-account.js';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);

/** `durable` for real use; `throwaway`, for tests, survives the death of its processes but not that of the machine. */
export type Durability = 'durable' | 'throwaway';

/** A data directory that exists and fits these programs; whether a server runs on it is another question. */
export interface Cluster {
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly durability: Durability;
  readonly account: PostgresAccount;
  readonly binaries: PostgresBinaries;
  readonly passwords: { readonly superuser: string; readonly application: string };
}

export const superuserName = 'postgres';
export const applicationName = 'gantry';

export interface ClusterOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly log: (line: string) => void;
}

/** Opens the cluster in `directory`, making it first where there is none. Safe to call from two processes at once. */
export async function openCluster({ directory, durability, log }: ClusterOptions): Promise<Cluster> {
  const account = await postgresAccount();
  const [folder, binaries] = await Promise.all([
    clusterFolder(directory, account, log),
    postgresBinaries(account),
  ]);
  const dataDirectory = join(folder, 'data');
  const version = await readFile(join(dataDirectory, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version !== undefined && version.trim() !== binaries.major) {
    throw new Error(
      `the database in ${dataDirectory} was made by PostgreSQL ${version.trim()}, this Gantry brings ${binaries.major}: ` +
        'dump it with the old version and restore it, or set another GANTRY_HOME',
    );
  }
  const secret = await readSecret(join(folder, 'password'), version === undefined ? 'make' : 'require');
  const cluster: Cluster = {
    dataDirectory,
    logFile: join(folder, 'postgres.log'),
    durability,
    account,
    binaries,
    passwords: { superuser: derive(secret, superuserName), application: derive(secret, applicationName) },
  };
  if (version === undefined) {
    log('making the database cluster');
    await initialise(cluster, folder);
  }
  return cluster;
}

/** Two roles, one secret on disk: a query that leaks one password does not give the other away. */
function derive(secret: string, role: string): string {
  return createHmac('sha256', secret).update(role).digest('hex');
}

/**
 * The secret is written before the cluster that is made with it, so that an interruption between the two leaves no
 * cluster without its password. It is never written over: another process may make its cluster with it just now.
 */
async function readSecret(path: string, whenAbsent: 'make' | 'require'): Promise<string> {
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (isWhole(kept)) return kept;
  if (whenAbsent === 'require') {
    throw new Error(`${path} is missing or damaged: without it the database beside it cannot be opened`);
  }
  const written = await writeOnce(path, randomBytes(32).toString('hex'), 0o600);
  if (!isWhole(written)) throw new Error(`${path} is damaged: remove it, there is no database to it yet`);
  return written;
}

function isWhole(secret: string): boolean {
  return secret.length === 64;
}

/** Made beside its place and moved there whole: what stands at `data` is always complete. */
async function initialise(cluster: Cluster, folder: string): Promise<void> {
  await removeAbandoned(folder, 'data');
  const staging = join(folder, `data.new-${process.pid}`);
  const passwordFile = `${staging}.password`;
  await mkdir(staging, { mode: 0o700 });
  await writeFile(passwordFile, cluster.passwords.superuser, { mode: 0o600 });
  if (cluster.account.kind === 'other') {
    await chown(staging, cluster.account.uid, cluster.account.gid);
    await chown(passwordFile, cluster.account.uid, cluster.account.gid);
  }
  try {
    await runInitdb(cluster, staging, passwordFile);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(staging, cluster.dataDirectory).catch(async (error: unknown) => {
    await rm(staging, { recursive: true, force: true });
    if (!(await isFile(join(cluster.dataDirectory, 'PG_VERSION')))) throw error;
  });
  if (cluster.account.kind === 'self') await chmod(folder, 0o700);
}

async function runInitdb(cluster: Cluster, staging: string, passwordFile: string): Promise<void> {
  const options = [
    `--pgdata=${staging}`,
    `--username=${superuserName}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The builtin provider sorts alike on every machine, whatever its C library or installed locales.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(cluster.durability === 'throwaway' ? ['--no-sync'] : []),
  ];
  try {
    await run(cluster.binaries.initdb, options, {
      cwd: '/',
      env: bareEnvironment(),
      ...identityOf(cluster.account),
    });
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw new Error(`the database cluster could not be made: ${messageOf(error)}`, { cause: error });
  }
}

/** Nothing of ours: the server's own variables hold keys that PostgreSQL has no business with. */
export function bareEnvironment(): Record<string, string> {
  return { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
