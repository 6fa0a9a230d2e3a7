import { z } from 'zod';
import { DomainError } from '../../errors.js';
import type { Tool, Workspace } from '../tool.js';
import { binaryKind } from './binary-kind.js';
import { fileOutcome } from './file-outcome.js';
import { workspacePath } from './workspace-path.js';

const MAX_CHARS = 65_536;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

const parameters = z.object({
  path: z.string().min(1).max(1024).describe('Path in the working directory, or a file id (file_...)'),
  start: z.number().int().nonnegative().optional().describe('First character to read, counted from 0'),
  end: z.number().int().nonnegative().optional().describe('Character to stop before'),
});
type Arguments = z.infer<typeof parameters>;

/** Pages are counted in UTF-16 units, as JavaScript counts characters; a page never splits a surrogate pair. */
export function createReadFileTool(): Tool<Arguments> {
  return {
    name: 'read_file',
    description: `Reads a text file of the working directory, at most ${MAX_CHARS} characters a call.`,
    parameters,
    source: 'built_in',
    kind: 'file',
    label: 'Read file',
    effect: 'pure',
    execution: 'parallel',
    reach: 'sandbox',
    available: () => true,
    execute: (args, { workspace }) => fileOutcome(args, () => readPage(args, workspace)),
  };
}

async function readPage(args: Arguments, workspace: Workspace): Promise<string> {
  const { name, data } = await find(args.path, workspace);
  const kind = await binaryKind(data);
  if (kind !== undefined) {
    return `${name} is a binary file (${kind}, ${data.byteLength} bytes), so it cannot be shown as text.`;
  }
  const text = new TextDecoder().decode(data);
  const start = args.start ?? 0;
  const wanted = Math.min(args.end ?? text.length, text.length);
  if (text.length === 0) return `(${name} is empty.)`;
  if (start >= wanted) {
    const range = args.end === undefined ? `start ${start}` : `start ${start} to end ${args.end}`;
    throw new DomainError(
      'invalid_request',
      `${range} holds nothing: ${name} has ${text.length} characters.`,
    );
  }
  const end = wholeCharacters(text, Math.min(wanted, start + MAX_CHARS));
  const page = text.slice(start, end);
  if (start === 0 && end === text.length) return page;
  const next = end < text.length ? ` Call read_file with start ${end} to go on.` : '';
  return `${page}\n\n[Characters ${start} to ${end} of ${text.length}.${next}]`;
}

async function find(path: string, workspace: Workspace): Promise<{ name: string; data: Uint8Array }> {
  if (path.startsWith('file_')) {
    const file = await workspace.readById(path, MAX_FILE_BYTES);
    if (file) return file;
  }
  const name = workspacePath(path);
  const data = await workspace.read(name, MAX_FILE_BYTES);
  if (!data)
    throw new DomainError('not_found', `There is no file "${path}". Call list_files to see which there are.`);
  return { name, data };
}

function wholeCharacters(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  const splitsPair = end < text.length && last >= 0xd800 && last <= 0xdbff;
  return splitsPair && end > 1 ? end - 1 : end;
}
