import { z } from 'zod';
import type { Tool } from '../tool.js';
import { fileOutcome } from './file-outcome.js';

const MAX_LINES = 1000;

const parameters = z.object({});
type Arguments = z.infer<typeof parameters>;

export function createListFilesTool(): Tool<Arguments> {
  return {
    name: 'list_files',
    description: 'Lists the files of the working directory: path, size and file id.',
    parameters,
    source: 'built_in',
    kind: 'file',
    label: 'List files',
    effect: 'pure',
    execution: 'parallel',
    reach: 'sandbox',
    available: () => true,
    execute: (args, { workspace }) =>
      fileOutcome(args, async () => {
        const files = await workspace.list();
        if (files.length === 0) return 'The working directory is empty.';
        const lines = files
          .slice(0, MAX_LINES)
          .map((file) => `${oneLine(file.path)} (${file.bytes} bytes, ${file.fileId})`);
        if (files.length > MAX_LINES) lines.push(`[${files.length - MAX_LINES} more files are not shown.]`);
        return lines.join('\n');
      }),
  };
}

/** Names come from sandboxes and may hold anything; a line stays one line. */
function oneLine(path: string): string {
  return /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(path) ? JSON.stringify(path) : path;
}
