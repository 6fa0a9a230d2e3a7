import { DomainError } from '../../errors.js';
import type { ExecutionOutcome, ExecutionResult, SandboxProtections } from '../../sandbox/sandbox.js';
import type { ToolOutcomeStatus } from '../tool.js';

/** How a sandbox's outcome counts as a tool's. */
export function statusOf(outcome: ExecutionOutcome): ToolOutcomeStatus {
  switch (outcome) {
    case 'completed':
      return 'succeeded';
    case 'timed_out':
      return 'timed_out';
    case 'interrupted':
      return 'cancelled';
    case 'failed':
    case 'out_of_memory':
    case 'died':
    case 'sandbox_lost':
      return 'failed';
    default:
      return outcome satisfies never;
  }
}

function endNote(result: ExecutionResult, timeoutMs: number): string | undefined {
  const { outcome, stateKept } = result;
  const after = stateKept ? 'variables kept' : 'the interpreter was restarted; variables are gone';
  switch (outcome) {
    case 'timed_out':
      return `timed out after ${timeoutMs / 1000} s; ${after}`;
    case 'interrupted':
      return `interrupted; ${after}`;
    case 'out_of_memory':
      return `stopped: it ran out of memory; ${after}`;
    case 'sandbox_lost':
      return 'the sandbox was lost; variables are gone, files are as they were before this call';
    case 'died':
    case 'completed':
    case 'failed':
      return stateKept ? undefined : after;
    default:
      return outcome satisfies never;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Short bracketed lines that tell the model what its output alone does not. */
export function notesOn(result: ExecutionResult, timeoutMs: number): string[] {
  const notes = [
    endNote(result, timeoutMs),
    result.images.length > 0 ? `${counted(result.images.length, 'image')} shown to the user` : undefined,
    result.videoFrameCount > 0
      ? `an animation of ${result.videoFrameCount} frames shown to the user`
      : undefined,
    result.droppedBytes > 0 ? `${result.droppedBytes} more bytes of output were left out` : undefined,
  ];
  return notes.filter((note) => note !== undefined).map((note) => `[${note}]`);
}

/** The parts that say something, each on lines of its own. */
export function joinedReport(parts: readonly (string | undefined)[]): string {
  const said = parts
    .map((part) => part?.replace(/\n+$/, ''))
    .filter((part) => part !== undefined && part !== '');
  return said.length > 0 ? said.join('\n') : '[no output]';
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

/** For a tool's description: what the model has to know about its walls. */
export function protectionText(protections: SandboxProtections): string {
  return protections.notes.join(' ');
}

/** The message for the model when there was no sandbox, or no room for its files; anything else is thrown on. */
export function unavailableMessage(error: unknown): string {
  if (error instanceof DomainError && (error.code === 'unavailable' || error.code === 'storage_full')) {
    return `[failed: ${error.message}]`;
  }
  throw error;
}
