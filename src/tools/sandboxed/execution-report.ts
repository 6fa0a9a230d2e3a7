import { DomainError, type DomainErrorCode, retryAfterSeconds } from '../../errors.js';
import type { CallRefusal } from '../../events/tool-call-data.js';
import {
  type BackgroundProcess,
  type ExecutionOutcome,
  type ExecutionResult,
  type OutputOverflow,
} from '../../sandbox/sandbox.js';
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

/** A sandbox may allow less time than the call asked for; it ended when that was over. */
function limitOf({ durationMs }: ExecutionResult, timeoutMs: number): number {
  return durationMs > 0 && durationMs < timeoutMs ? Math.floor(durationMs / 100) * 100 : timeoutMs;
}

function endNote(result: ExecutionResult, timeoutMs: number): string | undefined {
  const { outcome, stateKept } = result;
  const after = stateKept ? 'variables kept' : 'the interpreter was restarted; variables are gone';
  switch (outcome) {
    case 'timed_out':
      return `timed out after ${limitOf(result, timeoutMs) / 1000} s; ${after}`;
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

function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

const MAX_PROCESSES_NAMED = 5;

function overflowNote({ stream, droppedBytes, file, problem }: OutputOverflow): string {
  const more = `${droppedBytes} more bytes of ${stream}`;
  if (file === undefined)
    return `${more} were left out and could not be kept: ${problem ?? 'unknown reason'}`;
  if (file.missingBytes > 0) return `${more}; the first ${file.bytes} bytes of it all are in ${file.path}`;
  return `${more}; the whole output is in ${file.path}`;
}

function backgroundNote(kept: readonly BackgroundProcess[]): string | undefined {
  if (kept.length === 0) return undefined;
  const named = kept.slice(0, MAX_PROCESSES_NAMED).map(({ pid, command }) => `${pid} ${command}`);
  const more = kept.length - named.length;
  return `still running in the background: ${named.join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function memoryNote({ outcome, oomKills }: ExecutionResult): string | undefined {
  if (oomKills === 0 || outcome === 'out_of_memory') return undefined;
  return `memory ran out: ${counted(oomKills, 'process was', 'processes were')} killed for it`;
}

const MAX_HOSTS_NAMED = 8;

function refusalNote(hosts: readonly string[]): string | undefined {
  if (hosts.length === 0) return undefined;
  const more = hosts.length - MAX_HOSTS_NAMED;
  const named = hosts.slice(0, MAX_HOSTS_NAMED).join(', ');
  return `the network refused ${named}${more > 0 ? ` and ${more} more` : ''}: not among the hosts of this session`;
}

function imagesNotKeptNote({ imagesNotKept = 0 }: ExecutionResult): string | undefined {
  if (imagesNotKept === 0) return undefined;
  return `${counted(imagesNotKept, 'image')} could not be kept while the server restarted`;
}

/** Short bracketed lines that tell the model what its output alone does not. */
export function notesOn(result: ExecutionResult, timeoutMs: number): string[] {
  const notes = [
    endNote(result, timeoutMs),
    result.images.length > 0 ? `${counted(result.images.length, 'image')} shown to the user` : undefined,
    imagesNotKeptNote(result),
    result.videoFrameCount > 0
      ? `an animation of ${result.videoFrameCount} frames shown to the user`
      : undefined,
    ...result.overflows.map(overflowNote),
    ...result.closedStreams.map(
      (stream) => `the code closed ${stream}: what it printed there afterwards is lost`,
    ),
    memoryNote(result),
    backgroundNote(result.background),
    refusalNote(result.refusedHosts ?? []),
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

/** To a thousandth: more digits mean nothing. */
export function inMilliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000;
}

/** What clients see of the resources that a call took. */
export function usedBy({ cpuMs, peakMemoryBytes }: ExecutionResult): {
  cpu_time_ms?: number;
  peak_memory_bytes?: number;
} {
  return {
    ...(cpuMs === undefined ? {} : { cpu_time_ms: inMilliseconds(cpuMs) }),
    ...(peakMemoryBytes === undefined ? {} : { peak_memory_bytes: peakMemoryBytes }),
  };
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

const NO_SANDBOX: ReadonlySet<DomainErrorCode> = new Set(['unavailable', 'rate_limited', 'storage_full']);

/** Why there was no sandbox, or no room for its files, for clients; anything else is thrown on. */
export function refusalOf(error: unknown): CallRefusal {
  if (!(error instanceof DomainError) || !NO_SANDBOX.has(error.code)) throw error;
  const seconds = retryAfterSeconds(error);
  return {
    type: error.code === 'rate_limited' ? 'rate_limit_error' : 'api_error',
    code: error.reason,
    message: error.message,
    ...(seconds === undefined ? {} : { retry_after_sec: seconds }),
  };
}

/** The same for the model. */
export function refusalText({ type, message, retry_after_sec: seconds }: CallRefusal): string {
  if (type !== 'rate_limit_error') return `[failed: ${message}]`;
  const hint = seconds === undefined ? '' : `, retry after ${seconds} s`;
  return `[failed, rate_limited${hint}: ${message}]`;
}
