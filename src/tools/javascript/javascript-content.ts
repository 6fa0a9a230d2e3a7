import type { IsolateResult, StateLoss } from '../../sandbox/isolate/isolate-result.js';
import type { NestedCallNote } from '../tool.js';

const MAX_STACK_LINES = 6;
const MAX_CALLS_LISTED = 20;

/** `elsewhere`: earlier calls ran in a process of the server that is gone, or in another one. */
export type VariableLoss = StateLoss | 'elsewhere';

const LOSSES: Readonly<Record<VariableLoss, string>> = {
  timed_out: 'an earlier call had to be killed when it did not stop in time',
  cancelled: 'an earlier call was cancelled and had to be killed',
  out_of_memory: 'an earlier call used too much memory',
  died: 'its process ended',
  evicted: 'its place was needed by another session',
  idle: 'it was not used for a long time',
  recycled: 'its process is replaced after a number of calls',
  elsewhere: 'the server was restarted, or the session moved to another of its processes',
};

/** For the model and for clients. */
export function lossText(loss: VariableLoss): string {
  return `Variables of earlier calls are gone: ${LOSSES[loss]}.`;
}

export interface CallFacts {
  /** Why variables of earlier calls were not there, if they should have been. */
  readonly lost: VariableLoss | undefined;
  readonly timeoutMs: number;
  /** The calls of other tools that the code made. */
  readonly called: readonly NestedCallNote[];
}

/** What the model reads: what was printed, the value, the error, and notes on what it cannot see. */
export function javascriptContent(result: IsolateResult, { lost, timeoutMs, called }: CallFacts): string {
  const parts: string[] = [];
  if (lost) parts.push(`[${lossText(lost)}]`);
  for (const text of [result.stdout, result.stderr]) if (text !== '') parts.push(text.trimEnd());
  if (result.outputTruncated)
    parts.push('[Output limit reached: the rest is lost. Print less, or write to a file.]');
  if (result.value !== undefined) parts.push(result.value);
  if (result.error !== undefined) parts.push(shortStack(result.error));
  if (parts.length === (lost ? 1 : 0) && result.outcome === 'completed')
    parts.push('(Nothing was printed, and the value is undefined.)');
  const note = outcomeNote(result, timeoutMs);
  if (note !== undefined) parts.push(note);
  if (wasStopped(result) && called.length > 0) parts.push(`[By then it had called: ${listed(called)}.]`);
  return parts.join('\n');
}

function outcomeNote(result: IsolateResult, timeoutMs: number): string | undefined {
  const state = result.stateKept ? 'Variables are kept.' : 'Variables are lost.';
  switch (result.outcome) {
    case 'completed':
    case 'failed':
      return result.stateKept
        ? undefined
        : '[Variables are gone from here on: their process is replaced after a number of calls.]';
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

/** The code did not come to its own end, and so could not say how far it got. */
function wasStopped({ outcome }: IsolateResult): boolean {
  return outcome !== 'completed' && outcome !== 'failed' && outcome !== 'unavailable';
}

function listed(called: readonly NestedCallNote[]): string {
  const shown = called.slice(-MAX_CALLS_LISTED).map(({ tool, status }) => `${tool} (${status})`);
  const more = called.length - shown.length;
  return `${more > 0 ? `${more} more, then ` : ''}${shown.join(', ')}`;
}

function shortStack(error: string): string {
  const lines = error.split('\n');
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  if (firstFrame < 0) return error;
  return lines.slice(0, firstFrame + MAX_STACK_LINES).join('\n');
}
