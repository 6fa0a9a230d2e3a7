import { DomainError, messageOf } from '../../errors.js';
import type { ToolOutcome } from '../tool.js';

/** Runs a file tool's work; what goes wrong becomes text that tells the model what to do. */
export async function fileOutcome(args: unknown, work: () => Promise<string>): Promise<ToolOutcome> {
  try {
    return outcome('succeeded', args, await work());
  } catch (error) {
    return outcome('failed', args, `Error: ${advice(error)}`);
  }
}

function outcome(status: 'succeeded' | 'failed', args: unknown, content: string): ToolOutcome {
  return { status, content, data: { tool_type: 'custom', arguments: args, content } };
}

function advice(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof DomainError))
    return `${message}. Try once more; if it fails again, go on without this file.`;
  if (error.code === 'too_large')
    return `${message}. Read a part of it with python or javascript code instead.`;
  if (error.code === 'storage_full')
    return `${message}. Write less, or replace a file that is no longer needed.`;
  return message;
}
