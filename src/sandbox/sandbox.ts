/** A piece of what running code printed. Text is valid UTF-8; a split character is held back. */
export interface SandboxOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Receives output as it is made; the sandbox waits for it, so a slow sink slows nothing but itself. */
export type OutputSink = (output: SandboxOutput) => void | Promise<void>;

/** Seconds are never used here: all durations are milliseconds, all sizes bytes. */
export interface ExecutionLimits {
  /** SIGINT inside at this time, SIGKILL 2 s later, the sandbox is destroyed 5 s later. */
  readonly timeoutMs: number;
  /** Output past this many bytes per stream is counted, not streamed. Default 1 MiB. */
  readonly maxOutputBytes?: number;
}

export interface SandboxImage {
  readonly mimeType: string;
  readonly data: Uint8Array;
}

/** How a call ended. `state` says whether the interpreter's variables survived. */
export type ExecutionOutcome =
  'completed' | 'failed' | 'interrupted' | 'timed_out' | 'out_of_memory' | 'died' | 'sandbox_lost';

export interface ExecutionResult {
  readonly outcome: ExecutionOutcome;
  readonly stateKept: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that did not fit into `stdout` and `stderr`. */
  readonly droppedBytes: number;
  /** The exception's traceback, for Python. */
  readonly exception?: string;
  /** repr of the last expression's value, for Python. */
  readonly value?: string;
  /** Exit status, for shell commands. */
  readonly exitCode?: number;
  readonly images: readonly SandboxImage[];
  readonly videoFrames: readonly SandboxImage[];
  /** Animation frames made, including those over the cap. */
  readonly videoFrameCount: number;
  readonly durationMs: number;
  readonly cpuMs?: number;
  readonly peakMemoryBytes?: number;
  /** Regular files that differ from before the call, relative to the working directory. */
  readonly changes: readonly FileChange[];
}

export interface FileStat {
  /** Relative to the working directory, `/`-separated, hostile: treat as data. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

export type FileChange =
  | ({ readonly change: 'created' | 'modified' } & FileStat)
  | { readonly change: 'deleted'; readonly path: string };

/** A live, isolated working place of one session. Calls on it are serial; `interrupt` and `close` are not. */
export interface Sandbox {
  readonly id: string;
  /** True when this sandbox was made for this acquire: variables of earlier ones are gone. */
  readonly fresh: boolean;
  readonly workingDirectory: string;
  /** Runs Python in the session's interpreter. Rejects only for a caller's mistake; everything else is an outcome. */
  exec(
    code: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult>;
  /** Runs each command with bash, in order, in one process group. */
  shell(
    commands: readonly string[],
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult>;
  list(signal?: AbortSignal): Promise<readonly FileStat[]>;
  /** The file's bytes in chunks; fails on links, directories and anything over `maxBytes`. */
  read(path: string, maxBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  write(path: string, data: AsyncIterable<Uint8Array> | Uint8Array, signal?: AbortSignal): Promise<void>;
  remove(path: string, signal?: AbortSignal): Promise<void>;
  /** Interrupts the running call, if any: SIGINT, then SIGKILL after 2 s. */
  interrupt(): Promise<void>;
  /** Idempotent; destroys the sandbox and everything in it. */
  close(): Promise<void>;
}

export interface SandboxSpec {
  readonly sessionId: string;
  readonly runId: string;
  readonly generation: number;
}

/** What is really enforced, probed at start; shown in `/ready` and told to the model. */
export interface SandboxProtections {
  readonly provider: 'docker' | 'bubblewrap' | 'none' | 'scripted';
  readonly available: boolean;
  /** Why it is not available and how to turn it on; absent when it is. */
  readonly reason?: string;
  readonly network: 'none' | 'unrestricted' | 'not_applicable';
  readonly memoryBytes?: number;
  readonly workspaceBytes?: number;
  readonly processes?: number;
  readonly runtime?: string;
  /** One sentence each, in plain words. */
  readonly notes: readonly string[];
}

export interface SandboxProvider {
  protections(): SandboxProtections;
  /** Resolves when the first probe is over and, if a pool is kept, one sandbox stands ready. Never rejects. */
  ready(): Promise<void>;
  /**
   * The session's sandbox, made if it has none. The same session gets the same one until it is
   * closed or lost. Rejects with a DomainError `unavailable` when none can be had.
   */
  acquire(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox>;
  /** The session's live sandbox, if it has one; makes none. */
  current(sessionId: string): Sandbox | undefined;
  /** Destroys the session's sandbox, if any. */
  release(sessionId: string): Promise<void>;
  close(): Promise<void>;
}

export const SANDBOX_PROVIDER = Symbol('SandboxProvider');
