import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { fold as foldEvents } from '../client/fold.js';
import type { StreamItem } from '../client/decode-server-text.js';
import { serializedSessionSchema } from '../sessions/session-export.js';
import { addConnectOptions, clientOf, UsageError } from './connect-options.js';
import type { ConnectOptions } from './connect-options.js';
import { printTranscript } from './print-transcript.js';
import { plainLine } from './terminal-text.js';

export function sessionsCommand(): Command {
  const sessions = new Command('sessions').description('list and move conversations');
  addConnectOptions(sessions.command('list', { isDefault: true }))
    .description('most recently active first')
    .action(list);
  addConnectOptions(sessions.command('show <id>')).description('print the conversation').action(show);
  addConnectOptions(sessions.command('export <id> [path]'))
    .description('write the session as JSON to a file or to standard output')
    .action(exportSession);
  addConnectOptions(sessions.command('import <path> [id]'))
    .description('make a session from an export, under its own id or another one')
    .action(importSession);
  addConnectOptions(sessions.command('delete <id>')).description('for good').action(remove);
  addConnectOptions(sessions.command('fork <id>'))
    .option('--turn <n>', 'keep this many turns', Number)
    .description('go on from here, or from an earlier turn, in a new session')
    .action(fork);
  return sessions;
}

async function list(flags: ConnectOptions): Promise<void> {
  const { sessions } = clientOf(flags);
  let cursor: string | undefined;
  do {
    const page = await sessions.list({ limit: 200, ...(cursor !== undefined && { cursor }) });
    for (const session of page.data)
      print(
        `${session.id}  ${session.updated_at}  seq ${session.last_seq}  ${plainLine(session.title ?? '')}`,
      );
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

async function show(id: string, flags: ConnectOptions): Promise<void> {
  const client = clientOf(flags);
  const items: StreamItem[] = [];
  try {
    for await (const item of client.session(id).events()) {
      if (item.type === 'live') break;
      items.push(item);
    }
    printTranscript(foldEvents(items), print);
  } finally {
    client.close();
  }
}

async function exportSession(id: string, path: string | undefined, flags: ConnectOptions): Promise<void> {
  const text = JSON.stringify(await clientOf(flags).sessions.export(id), null, 2);
  if (path === undefined) process.stdout.write(`${text}\n`);
  else await writeFile(path, text, { flag: 'wx', mode: 0o600 });
}

async function importSession(path: string, id: string | undefined, flags: ConnectOptions): Promise<void> {
  const parsed = serializedSessionSchema.safeParse(parseJson(await readFile(path, 'utf8')));
  if (!parsed.success) throw new UsageError(`${path} is no export of a session.`);
  const session = await clientOf(flags).sessions.import(id ?? parsed.data.session.id, parsed.data);
  print(session.id);
}

async function remove(id: string, flags: ConnectOptions): Promise<void> {
  await clientOf(flags).sessions.remove(id);
}

async function fork(id: string, flags: ConnectOptions & { readonly turn?: number }): Promise<void> {
  const session = await clientOf(flags).sessions.fork(id, {
    ...(flags.turn !== undefined && { turn: flags.turn }),
  });
  print(session.id);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
