import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

let directory: string;
let root: string;
let running: EmbeddedPostgres | undefined;
let lines: string[] = [];

async function start(): Promise<EmbeddedPostgres> {
  lines = [];
  running = await startEmbeddedPostgres({
    directory,
    durability: 'throwaway',
    log: (line) => lines.push(line),
  });
  return running;
}

async function query<Row extends QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  const text = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (state === '' || / Z /.test(state)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`process ${pid} lives on`);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-postgres-'));
  await chmod(root, 0o711);
  directory = join(root, 'postgres');
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe('startEmbeddedPostgres', () => {
  it('makes a UTF-8 cluster whose application role is no superuser and whose secret only we can read', async () => {
    const { url } = await start();
    expect(lines).toContain('making the database cluster');
    const [row] = await query<{ encoding: string; super: boolean; upper: string }>(
      url,
      `SELECT current_setting('server_encoding') AS encoding, upper('pâté') AS upper,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super`,
    );
    expect(row).toEqual({ encoding: 'UTF8', super: false, upper: 'PÂTÉ' });
    expect((await stat(join(directory, 'password'))).mode & 0o777).toBe(0o600);
    await expect(query(url, `COPY (SELECT 1) TO PROGRAM 'true'`)).rejects.toThrow(/permission denied/);
    await expect(query(url.replace(/:[0-9a-f]{64}@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      /authentication/,
    );
  });

  it('keeps what was written across a clean stop', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = await postmasterPid();
    await first.stop();
    await gone(pid);
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(lines).not.toContain('making the database cluster');
  });

  it('is one server for two users of the directory, and the last one ends it', async () => {
    const first = await start();
    const second = await startEmbeddedPostgres({ directory, durability: 'throwaway', log: () => undefined });
    expect(second.url).toBe(first.url);
    const pid = await postmasterPid();
    await first.stop();
    expect(lines.at(-1)).toMatch(/keeps running: 1 other/);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
    await gone(pid);
  });

  it('lives in a session of its own, where neither Ctrl-C nor the death of its starter reaches it', async () => {
    await start();
    const pid = await postmasterPid();
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    expect(Number(fields[3])).toBe(pid);
    const output = await readlink(`/proc/${pid}/fd/2`);
    expect(output).toBe(join(directory, 'postgres.log'));
  });

  it('starts after a machine was killed and the old process number belongs to something else', async () => {
    const first = await start();
    await first.stop();
    // A process of any kind that is alive stands for whoever has the number now.
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(stranger, 'spawn');
    try {
      const stale = [
        stranger.pid,
        join(directory, 'data'),
        '1700000000',
        '5999',
        '',
        '127.0.0.1',
        '1 1',
        'ready   ',
      ];
      await writeFile(join(directory, 'data', 'postmaster.pid'), stale.join('\n'));
      const second = await start();
      expect(new URL(second.url).port).not.toBe('5999');
      expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('starts PostgreSQL again on the same port when it is killed under us', async () => {
    const { url } = await start();
    await query(url, 'CREATE TABLE survives AS SELECT 7 AS n');
    const pid = await postmasterPid();
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => query<{ n: number }>(url, 'SELECT n FROM survives').catch(() => 'away'), {
        timeout: 20_000,
        interval: 50,
      })
      .toEqual([{ n: 7 }]);
    await expect.poll(() => lines.at(-1)).toBe('PostgreSQL runs again');
    expect(await postmasterPid()).not.toBe(pid);
  });

  it('mends a set-up that was killed while the cluster was made', async () => {
    const abandoned = join(directory, 'data.new-4194303');
    await writeFile(abandoned, 'half');
    await rm(join(directory, 'data'), { recursive: true });
    await start();
    expect(lines).toContain('making the database cluster');
    await expect(stat(abandoned)).rejects.toThrow(/ENOENT/);
  });

  it('refuses a cluster of another version, and one whose secret is lost', async () => {
    const version = join(directory, 'data', 'PG_VERSION');
    const good = await readFile(version, 'utf8');
    await writeFile(version, '17\n');
    await expect(start()).rejects.toThrow(/made by PostgreSQL 17/);
    await writeFile(version, good);
    const secret = join(directory, 'password');
    const kept = await readFile(secret, 'utf8');
    await rm(secret);
    await expect(start()).rejects.toThrow(/password is missing/);
    await writeFile(secret, kept, { mode: 0o600 });
  });

  it('shows what PostgreSQL said when it does not start', async () => {
    const configuration = join(directory, 'data', 'postgresql.conf');
    const good = await readFile(configuration, 'utf8');
    await writeFile(configuration, `${good}\nno_such_setting = 1\n`);
    await expect(start()).rejects.toThrow(/no_such_setting/);
    await writeFile(configuration, good);
  });

  it.runIf(process.getuid?.() === 0)('works under a home that only root may enter', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'gantry-closed-'));
    const wanted = join(closed, 'postgres');
    const open = async (): Promise<EmbeddedPostgres> =>
      (running = await startEmbeddedPostgres({
        directory: wanted,
        durability: 'throwaway',
        log: (line) => lines.push(line),
      }));
    lines = [];
    await (await open()).stop();
    expect(lines[0]).toMatch(/the database lies in .* cannot enter/);
    const outside = await readlink(wanted);
    try {
      const again = await open();
      expect(await query(again.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await again.stop();
    } finally {
      await rm(outside, { recursive: true });
      await rm(closed, { recursive: true });
    }
  });
});
