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
  /** Output past this many bytes per stream is not streamed: it goes to a file. Default 1 MiB. */
  readonly maxOutputBytes?: number;
  /**
   * What becomes of processes that shell commands leave running: ended with the call, the default, or kept
   * until the sandbox ends. Those of a call that was stopped are ended always.
   */
  readonly background?: 'end' | 'keep';
  /** Names the call, so that a next process can `resume` it; at most 128 characters. */
  readonly key?: string;
}

/** One stream's output past `maxOutputBytes`. */
export interface OutputOverflow {
  readonly stream: 'stdout' | 'stderr';
  /** Those that `stdout` or `stderr` of the result do not have. */
  readonly droppedBytes: number;
  /** The stream's output from its first byte on, up to a cap of its own; it is among the `changes`. */
  readonly file?: { readonly path: string; readonly bytes: number; readonly missingBytes: number };
  /** Why there is no file; absent when there is. */
  readonly problem?: string;
}

export interface BackgroundProcess {
  readonly pid: number;
  /** As it was started, in one line, cut; hostile: treat as data. */
  readonly command: string;
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
  /** Bytes that did not fit into `stdout` and `stderr`: the sum of the overflows. */
  readonly droppedBytes: number;
  readonly overflows: readonly OutputOverflow[];
  /** Streams that Python code closed or pointed elsewhere: what it printed there since is not to be had. */
  readonly closedStreams: readonly ('stdout' | 'stderr')[];
  /** The exception's traceback, for Python. */
  readonly exception?: string;
  /** repr of the last expression's value, for Python. */
  readonly value?: string;
  /** Exit status, for shell commands. */
  readonly exitCode?: number;
  readonly images: readonly SandboxImage[];
  /** Of a long animation a selection, of a moving picture without a known end the last ones. */
  readonly videoFrames: readonly SandboxImage[];
  /** Animation frames made, including those that are not in `videoFrames`. */
  readonly videoFrameCount: number;
  readonly durationMs: number;
  /** Of everything in the sandbox while the call ran, or, where that is not counted, of the call's own process. */
  readonly cpuMs?: number;
  /** The sandbox's peak where the call set its record, else the peak of the call's own process. */
  readonly peakMemoryBytes?: number;
  /** Processes that were killed because memory ran out, also where the call itself went on. */
  readonly oomKills: number;
  /** Every process that is kept now, by this call or an earlier one. */
  readonly background: readonly BackgroundProcess[];
  /** Regular files that differ from before the call, relative to the working directory. */
  readonly changes: readonly FileChange[];
  /** Of a resumed call: images that it made while no server was there to take them. */
  readonly imagesNotKept?: number;
  /** `host:port` of what the call wanted to reach and may not; absent when there is none. */
  readonly refusedHosts?: readonly string[];
}

export interface FileStat {
  /** Relative to the working directory, `/`-separated, hostile: treat as data. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
  /** By its owner. */
  readonly executable: boolean;
}

export interface WriteOptions {
  readonly executable?: boolean;
  readonly signal?: AbortSignal;
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
  /**
   * The call of that key, begun by an earlier process: its output from the first byte on, and its result. Never runs it
   * again; `sandbox_lost` when this sandbox does not know it.
   */
  resume(
    key: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult>;
  /** The result of the call of that key is safe: the sandbox need not keep it for a next process. */
  acknowledge(key: string): void;
  list(signal?: AbortSignal): Promise<readonly FileStat[]>;
  /** What processes that were kept changed since the last call; the next call's `changes` have it too. */
  pending(signal?: AbortSignal): Promise<readonly FileChange[]>;
  /** The file's bytes in chunks; fails on links, directories and anything over `maxBytes`. */
  read(path: string, maxBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  write(path: string, data: AsyncIterable<Uint8Array> | Uint8Array, options?: WriteOptions): Promise<void>;
  remove(path: string, signal?: AbortSignal): Promise<void>;
  /** Interrupts the running call, if any: SIGINT, then SIGKILL after 2 s. */
  interrupt(): Promise<void>;
  /** Idempotent; destroys the sandbox and everything in it. */
  close(): Promise<void>;
}

/** What a session chose for its sandboxes. */
export interface SandboxChoice {
  /** One of the provider's, see `SandboxProtections.profiles`; its own default when absent. */
  readonly profile?: string;
  /** Hosts the session may reach, see `egress/host-pattern.ts`; nothing when absent. */
  readonly egress?: readonly string[];
}

export interface SandboxSpec extends SandboxChoice {
  readonly sessionId: string;
  readonly runId: string;
  readonly generation: number;
}

/** What the code in a sandbox stands behind, read off inside one. */
export interface SandboxWalls {
  readonly unprivilegedUser: boolean;
  readonly noCapabilities: boolean;
  readonly noNewPrivileges: boolean;
  readonly readOnlyRoot: boolean;
  readonly noNetwork: boolean;
  /** How many filters every system call passes. */
  readonly systemCallFilters: number;
  readonly memoryBytes?: number;
  readonly noSwap: boolean;
  readonly processes?: number;
}

/** What sandboxes run on, as it describes itself. `/ready` needs no key: no versions, no names. */
export interface SandboxEngine {
  /** Of the control groups: `1`, `2` or `unknown`. */
  readonly cgroup: string;
  readonly runtime: string;
  readonly rootless: boolean;
  readonly userNamespaces: boolean;
}

/** What a session gets that names it. */
export interface SandboxProfileState {
  readonly available: boolean;
  readonly reason?: string;
  readonly memoryBytes: number;
  readonly workspaceBytes: number;
  readonly processes: number;
  readonly cpus: number;
  readonly runtime?: string;
  readonly gpus?: 'all' | number | readonly string[];
  readonly maxTimeoutMs?: number;
  /** As `SandboxProtections.notes`, for sessions of this profile; none while it is not available. */
  readonly notes: readonly string[];
  /** Of Python, beside its own library; absent where only the image knows. */
  readonly packages?: readonly string[];
}

/** What the image `python` has. */
export const USUAL_PACKAGES = ['numpy', 'pandas', 'matplotlib', 'pillow'] as const;

/** How many sandboxes there are, and how many claims wait for one. */
export interface SandboxOccupancy {
  readonly ready: number;
  readonly booting: number;
  readonly used: number;
  readonly queued: number;
}

/** Among the notes wherever `network` is `none`; not said in a session that may reach hosts. */
export const NO_NETWORK_NOTE = 'There is no network: nothing can be downloaded or installed.';

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
  readonly engine?: SandboxEngine;
  /** Absent until a first sandbox was booted. */
  readonly walls?: SandboxWalls;
  /** By the names that a session may choose; the first is the default. */
  readonly profiles?: Readonly<Record<string, SandboxProfileState>>;
  readonly occupancy?: SandboxOccupancy;
}

export interface SandboxProvider {
  protections(): SandboxProtections;
  /** Resolves when the first probe is over and, if a pool is kept, one sandbox stands ready. Never rejects. */
  ready(): Promise<void>;
  /**
   * The session's sandbox, made if it has none. The same session gets the same one until it is
   * closed or lost. Rejects with a DomainError: `unavailable` when none can be had, `rate_limited` when
   * all are in use for too long, `storage_full` when there is no room to make one. While it stands in
   * line, `onQueued` hears its place, counted from 1.
   */
  acquire(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<Sandbox>;
  /** The session's sandbox, also one that an earlier process left and this one can take over; makes none. */
  recover(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox | undefined>;
  /** The session's live sandbox, if it has one; makes none. */
  current(sessionId: string): Sandbox | undefined;
  /** Destroys the session's sandbox, if any. */
  release(sessionId: string): Promise<void>;
  close(): Promise<void>;
}

export const SANDBOX_PROVIDER = Symbol('SandboxProvider');
