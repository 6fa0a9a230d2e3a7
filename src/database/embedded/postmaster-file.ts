import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What PostgreSQL says of itself in `postmaster.pid`. */
export interface PostmasterFile {
  readonly pid: number;
  /** Absent in the first instants of a start. */
  readonly port: number | undefined;
  readonly status: 'starting' | 'ready' | 'stopping';
}

export function postmasterFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'postmaster.pid');
}

/** `undefined` when there is none, or nothing legible in it yet. */
export async function readPostmasterFile(dataDirectory: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(postmasterFilePath(dataDirectory), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parsePostmasterFile(text);
}

/** Lines: pid, data directory, start time, port, socket directory, listen address, shared memory key, status. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  // Negative: a single-user backend. Neither it nor a half-written file is a server to talk to.
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const port = Number(lines[3]);
  return { pid, port: port > 0 ? port : undefined, status: statusOf(lines[7]) };
}

function statusOf(word: string | undefined): PostmasterFile['status'] {
  if (word === 'ready') return 'ready';
  return word === 'stopping' ? 'stopping' : 'starting';
}

/**
 * Whether this process is the PostgreSQL server of this data directory. After a machine or a container was killed
 * its number may belong to anything, and PostgreSQL itself would take any process of its own account for a rival.
 */
export async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  const command = await commandOf(pid);
  const program = command[0];
  return program !== undefined && basename(program).startsWith('postgres') && command.includes(dataDirectory);
}

/** Empty for a process that is gone, or that is dead and only not yet collected. */
async function commandOf(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return line.split('\0').filter((part) => part !== '');
  }
  const listed = await run('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return listed.stdout.trim().split(' ');
}
