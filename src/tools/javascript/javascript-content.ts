import type { IsolateResult, StateLoss } from '../../sandbox/isolate/isolate-result.js';

const MAX_STACK_LINES = 6;

const LOSSES: Readonly<Record<StateLoss, string>> = {
  timed_out: 'an earlier call had to be killed when it did not stop in time',
  cancelled: 'an earlier call was cancelled and had to be killed',
  out_of_memory: 'an earlier call used too much memory',
  died: 'its process ended',
  evicted: 'its place was needed by another session',
  idle: 'it was not used for a long time',
  recycled: 'its process is replaced after a number of calls',
};

/** What the model reads: what was printed, the value, the error, and notes on what it cannot see. */
export function javascriptContent(result: IsolateResult, timeoutMs: number): string {
  const parts: string[] = [];
  if (result.stateLost) {
    parts.push(`[Variables of earlier calls are gone: ${LOSSES[result.stateLost]}.]`);
  }
  for (const text of [result.stdout, result.stderr]) if (text !== '') parts.push(text.trimEnd());
  if (result.outputTruncated)
    parts.push('[Output limit reached: the rest is lost. Print less, or write to a file.]');
  if (result.value !== undefined) parts.push(result.value);
  if (result.error !== undefined) parts.push(shortStack(result.error));
  const note = outcomeNote(result, timeoutMs);
  if (note !== undefined) parts.push(note);
  if (parts.length === (result.stateLost ? 1 : 0))
    parts.push('(Nothing was printed, and the value is undefined.)');
  return parts.join('\n');
}

function outcomeNote(result: IsolateResult, timeoutMs: number): string | undefined {
  const state = result.stateKept ? 'Variables are kept.' : 'Variables are lost.';
  switch (result.outcome) {
    case 'completed':
    case 'failed':
    case 'unavailable':
      return undefined;
    case 'timed_out':
      return `[Stopped after ${timeoutMs / 1000} s, the time limit. ${state}]`;
    case 'cancelled':
      return `[Cancelled. ${state}]`;
    case 'out_of_memory':
      return `[The code used too much memory and was stopped. ${state} Work on smaller pieces.]`;
    case 'died':
      return `[The process that ran the code ended. ${state}]`;
    default:
      return result.outcome satisfies never;
  }
}

function shortStack(error: string): string {
  const lines = error.split('\n');
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  if (firstFrame < 0) return error;
  return lines.slice(0, firstFrame + MAX_STACK_LINES).join('\n');
}
