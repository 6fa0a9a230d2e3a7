import type { WorkClock } from '../../work-clock.js';
import type { OutputSink } from '../sandbox.js';

/** The session's files as guest code sees them. A rejection's message reaches the guest as an Error. */
export interface GuestFiles {
  read(path: string): Promise<Uint8Array>;
  write(path: string, data: Uint8Array): Promise<void>;
  list(): Promise<readonly { readonly path: string; readonly bytes: number }[]>;
}

/** What a tool made of the guest's call, as JSON. Anything but `succeeded` is thrown there, with `message`. */
export interface GuestToolResult {
  readonly status: string;
  readonly content: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

/** What guest code may call as `tools.name(args)`. */
export interface GuestTools {
  readonly names: readonly string[];
  /** Also asked for names that are not among them: it says why not. */
  call(name: string, args: unknown): Promise<GuestToolResult>;
}

export interface IsolateCall {
  readonly code: string;
  /** The code is stopped at this time with its state kept; the process is killed 1 s later. */
  readonly timeoutMs: number;
  /** What that time is measured with. */
  readonly clock: Pick<WorkClock, 'after'>;
  /** Both streams together. */
  readonly maxOutputBytes: number;
  readonly maxValueChars: number;
  readonly files: GuestFiles;
  readonly tools: GuestTools;
  readonly onOutput: OutputSink;
  readonly signal: AbortSignal;
}

export type IsolateOutcome =
  'completed' | 'failed' | 'timed_out' | 'cancelled' | 'out_of_memory' | 'died' | 'unavailable';

export interface IsolateResult {
  readonly outcome: IsolateOutcome;
  /** Whether the session's variables survived this call. */
  readonly stateKept: boolean;
  /** Set when the call began without variables, whether or not there had been any. */
  readonly stateNew?: true;
  /** Set when variables of earlier calls were gone before this one began. */
  readonly stateLost?: StateLoss;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputTruncated: boolean;
  /** The last expression's value, formatted; absent for undefined. */
  readonly value?: string;
  /** What was thrown, with its stack; or why the process is not available. */
  readonly error?: string;
  readonly durationMs: number;
  readonly peakMemoryBytes: number;
}

export type StateLoss =
  'timed_out' | 'cancelled' | 'out_of_memory' | 'died' | 'evicted' | 'idle' | 'recycled';
