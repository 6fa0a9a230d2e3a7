import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** An `ssh` that comes first on the PATH and, whatever the host, dials the engine of this machine. */
export interface SshStandIn {
  /** What it was called with, call by call. */
  calls(): { readonly pid: number; readonly args: readonly string[] }[];
  /** From now on it refuses, as a server that does not know the key. */
  refuse(): void;
  remove(): void;
}

export function installSshStandIn(folder: string, socket: string): SshStandIn {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'calls');
  const path = join(folder, 'ssh');
  const write = (body: string): void => {
    writeFileSync(path, `#!${process.execPath}\n${body}`);
    chmodSync(path, 0o755);
  };
  writeFileSync(log, '');
  write(`const { appendFileSync } = require('node:fs');
const { connect } = require('node:net');
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }) + '\\n');
const socket = connect({ path: ${JSON.stringify(socket)}, allowHalfOpen: true });
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('close', () => process.exit(0));
`);
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  return {
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { pid: number; args: string[] }),
    refuse: () =>
      write(`console.error('me@far.example: Permission denied (publickey).'); process.exit(255);`),
    remove: () => {
      process.env['PATH'] = before;
    },
  };
}
