import { z } from 'zod';
import { DomainError } from '../../errors.js';
import type { Tool } from '../tool.js';
import { fileOutcome } from './file-outcome.js';
import { workspacePath } from './workspace-path.js';

const MAX_BYTES = 8 * 1024 * 1024;

const parameters = z.object({
  path: z.string().min(1).max(1024).describe('Relative path in the working directory'),
  content: z.string().describe('The whole new content'),
});
type Arguments = z.infer<typeof parameters>;

export function createWriteFileTool(): Tool<Arguments> {
  return {
    name: 'write_file',
    description: 'Writes a text file into the working directory, replacing one of the same path.',
    parameters,
    source: 'built_in',
    kind: 'file',
    label: 'Write file',
    effect: 'idempotent',
    execution: 'serial',
    reach: 'sandbox',
    available: () => true,
    execute: (args, { workspace }) =>
      fileOutcome(args, async () => {
        const path = workspacePath(args.path);
        const data = new TextEncoder().encode(args.content);
        if (data.byteLength > MAX_BYTES) {
          throw new DomainError(
            'invalid_request',
            `The content has ${data.byteLength} bytes; ${MAX_BYTES} is the most. Write it in parts, as several files.`,
          );
        }
        await workspace.write(path, data);
        return `Wrote ${path} (${data.byteLength} bytes).`;
      }),
  };
}
