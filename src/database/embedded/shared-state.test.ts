import { chmod, mkdir, mkdtemp, readdir, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterFolder } from './cluster-folder.js';
import { canEnter, canExecute, type PostgresAccount } from './postgres-account.js';
import { postgresBinaries } from './postgres-binaries.js';

const NOBODY: PostgresAccount = { kind: 'other', uid: 65_534, gid: 65_534 };

describe.runIf(process.getuid?.() === 0).each([
  ['027', 0o027],
  ['077', 0o077],
])('as root with umask %s', (_, umask) => {
  let machine: string;
  let home: string;
  let shared: string;
  let before: number;

  beforeEach(async () => {
    machine = await mkdtemp(join(tmpdir(), 'gantry-shared-'));
    await chmod(machine, 0o711);
    home = join(machine, 'root');
    shared = join(machine, 'gantry');
    before = process.umask(umask);
    await mkdir(home, { mode: 0o700 });
  });

  afterEach(async () => {
    process.umask(before);
    await rm(machine, { recursive: true });
  });

  it('makes a folder for the database that its account can enter', async () => {
    const wanted = join(home, 'postgres');
    const folder = await clusterFolder(wanted, NOBODY, () => undefined, shared);
    expect(folder).toBe(await realpath(await readlink(wanted)));
    expect(await canEnter(NOBODY, folder)).toBe(true);
  });

  it('opens what an earlier start has left closed', async () => {
    await mkdir(shared, { mode: 0o700 });
    const folder = await clusterFolder(join(home, 'postgres'), NOBODY, () => undefined, shared);
    expect(await canEnter(NOBODY, folder)).toBe(true);
  });

  it('copies programs that the account can execute, and clears the copies of those that were killed', async () => {
    const root = join(home, 'package');
    await mkdir(join(root, 'native', 'bin'), { recursive: true });
    await writeFile(join(root, 'native', 'bin', 'postgres'), '#!/bin/sh\n', { mode: 0o777 });
    await mkdir(join(shared, 'postgresql-18.1.0.new-4194303', 'bin'), { recursive: true });
    const { postgres } = await postgresBinaries(NOBODY, { root, version: '18.1.0' }, shared);
    expect(postgres).toBe(join(shared, 'postgresql-18.1.0', 'bin', 'postgres'));
    expect(await canExecute(NOBODY, postgres)).toBe(true);
    expect(await readdir(shared)).toEqual(['postgresql-18.1.0']);
  });
});
