import type { z } from 'zod';
import type { Sandbox, SandboxChoice } from '../sandbox/sandbox.js';
import type { ToolCallData } from '../events/tool-call-data.js';
import type { WorkClock } from '../work-clock.js';

export type ToolSource = 'built_in' | 'user' | 'mcp' | 'external';
export type ToolKind = 'code_execution' | 'web_search' | 'shell' | 'file' | 'custom' | 'external';

/** Decides what recovery does with a call that was running when its worker died (docs/architecture.md). */
export type ToolEffect = 'pure' | 'idempotent' | 'effectful';

/** How far a call can reach; the default policy asks for all but `sandbox`. */
export type ToolReach = 'sandbox' | 'network' | 'host';

/** The session's working directory: one tree, shared by every tool, kept in Postgres. Paths are relative. */
export interface Workspace {
  list(): Promise<readonly { path: string; bytes: number; fileId: string; modifiedAt: Date }[]>;
  /** Undefined when there is no such file. Rejects with `too_large` past `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Stores the file; a live sandbox gets it before its next call. Rejects with `invalid_request` for a bad path, `storage_full`. */
  write(path: string, data: Uint8Array): Promise<void>;
  /** By id, a file the session may read, also one that is not in the working directory. */
  readById(fileId: string, maxBytes: number): Promise<{ name: string; data: Uint8Array } | undefined>;
  /**
   * Runs `use` with the session's sandbox brought to this tree's state, then takes over the files it
   * changed. A lost sandbox leaves the tree as it was before the call. `news` is what the model has to know
   * of that sandbox, in sentences: variables that are gone, files that it would not take. Clients are told here.
   */
  withSandbox<T extends { readonly changes: readonly import('../sandbox/sandbox.js').FileChange[] }>(
    use: (sandbox: Sandbox, news: readonly string[]) => Promise<T>,
  ): Promise<T>;
  /**
   * The same for a call that an earlier process began, in the sandbox that it left: nothing is brought into it, where the
   * call may still run. Undefined when there is no such sandbox any more.
   */
  withLeftSandbox<T extends { readonly changes: readonly import('../sandbox/sandbox.js').FileChange[] }>(
    use: (sandbox: Sandbox) => Promise<T>,
  ): Promise<T | undefined>;
}

export interface ToolContext {
  readonly sessionId: string;
  readonly runId: string;
  readonly toolCallId: string;
  readonly round: number;
  readonly generation: number;
  readonly timeoutMs: number;
  /** Aborted by cancel, by the run's limits and by fencing; the tool must stop everything it started. */
  readonly signal: AbortSignal;
  /** Stands still while a person is asked about a nested call: what the call's time is measured with. */
  readonly clock: WorkClock;
  readonly workspace: Workspace;
  /** The run's other tools, for a tool that runs code; see `Tool.callingHint`. */
  readonly nested: NestedTools;
  /** Whether an earlier call of this tool in the session has begun. */
  ranBefore(): Promise<boolean>;
  /** Tells clients that what earlier calls had in memory is gone. */
  tellStateLost(reason: string): Promise<void>;
  /** Streams to clients as `agentic_tool_output`; awaiting it gives backpressure. */
  emitOutput(stream: 'stdout' | 'stderr', text: string): Promise<void>;
}

export type ToolOutcomeStatus = 'succeeded' | 'failed' | 'timed_out' | 'cancelled';

/** A tool that fails is a value for the model, never an exception. */
export interface ToolOutcome {
  readonly status: ToolOutcomeStatus;
  /** What the model reads, uncapped; the loop caps it and keeps the whole as a file. */
  readonly content: string;
  /** What clients see in `agentic_tool_call_progress`. */
  readonly data: ToolCallData;
  /** PNGs as base64, shown to clients and to models that see. */
  readonly imagesBase64?: readonly string[];
}

/** How a call that code made ended: as one of the model's own, with what clients see of it once it has run. */
export interface NestedOutcome {
  readonly status: ToolOutcomeStatus | 'denied';
  readonly content: string;
  readonly data?: ToolCallData;
}

export interface NestedCallNote {
  readonly tool: string;
  readonly status: string;
}

/**
 * The run's other tools as code may call them: under the same policy, approvals and limits as the model's own
 * calls, recorded and shown as those are. They end with the call whose code made them.
 */
export interface NestedTools {
  readonly names: readonly string[];
  /** `args` is plain JSON. Never rejects: what is unknown, refused, denied or failed is an outcome. */
  call(name: string, args: unknown): Promise<NestedOutcome>;
  /** The calls so far, in order. */
  made(): readonly NestedCallNote[];
}

export const NO_NESTED_TOOLS: NestedTools = {
  names: [],
  call: () => Promise.resolve({ status: 'failed', content: 'There are no other tools here.' }),
  made: () => [],
};

export interface Tool<Arguments = unknown> {
  readonly name: string;
  readonly description: string;
  readonly parameters: z.ZodType<Arguments>;
  readonly source: ToolSource;
  readonly kind: ToolKind;
  /** Short, for people: "Python code". */
  readonly label: string;
  readonly effect: ToolEffect;
  readonly execution: 'parallel' | 'serial';
  readonly reach: ToolReach;
  /** The same tool in a session that chose its sandbox so; absent where that changes nothing. */
  inSession?(choice: SandboxChoice): Tool<Arguments>;
  /**
   * Set on a tool whose code may call the run's other tools: what the model is told of it when there are any.
   * Such a tool is not called from code itself.
   */
  readonly callingHint?: string;
  /** False when the tool cannot work here now (no engine, no network); it is then not offered. */
  available(): boolean;
  /** Never rejects for anything the model or the code it wrote did. */
  execute(args: Arguments, context: ToolContext): Promise<ToolOutcome>;
  /**
   * What became of a call that an earlier process had begun; undefined: nobody knows. Begins nothing. Absent: a call
   * ends with its process.
   */
  resume?(args: Arguments, context: ToolContext): Promise<ToolOutcome | undefined>;
}

/** Nest injection token: every built-in `Tool`, in the order models see them. */
export const BUILT_IN_TOOLS = Symbol('BuiltInTools');
