import { DomainError } from '../../errors.js';
import type {
  ExecutionLimits,
  ExecutionResult,
  FileChange,
  FileStat,
  OutputSink,
  Sandbox,
  SandboxOutput,
  WriteOptions,
} from '../sandbox.js';

export type ScriptedCall =
  | {
      readonly kind: 'exec';
      readonly sessionId: string;
      readonly code: string;
      readonly limits: ExecutionLimits;
    }
  | {
      readonly kind: 'shell';
      readonly sessionId: string;
      readonly commands: readonly string[];
      readonly limits: ExecutionLimits;
    }
  | {
      readonly kind: 'resume';
      readonly sessionId: string;
      readonly key: string;
      readonly limits: ExecutionLimits;
    };

/** What one call does. Everything left out is as in a call that completes and prints nothing. */
export interface ScriptedExecution {
  /** Streamed piece by piece, and joined in the result. */
  readonly output?: readonly SandboxOutput[];
  /** Files the call writes (text) or deletes (null), reported as its changes. */
  readonly files?: Readonly<Record<string, string | null>>;
  /** After its output, waits to be stopped: ends as `interrupted`, or `timed_out` at its limit. */
  readonly untilStopped?: true;
  /** `sandbox_lost` also loses the sandbox. */
  readonly result?: Partial<ExecutionResult>;
}

export type ScriptedStep = ScriptedExecution | ((call: ScriptedCall) => ScriptedExecution);

interface ScriptedFile {
  readonly data: Uint8Array;
  readonly modifiedAtMs: number;
  readonly executable: boolean;
}

/** The state that all handles of one session's scripted sandbox share. */
export class ScriptedContainer {
  readonly files = new Map<string, ScriptedFile>();
  /** Made by no call, and not told by one yet. */
  pending: readonly FileChange[] = [];
  lost = false;
  #stop = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();
  #clock = 0;

  constructor(
    readonly id: string,
    private readonly nextStep: (call: ScriptedCall) => ScriptedExecution,
  ) {}

  run(call: ScriptedCall, onOutput: OutputSink, signal: AbortSignal): Promise<ExecutionResult> {
    return this.inTurn(() => this.#run(call, onOutput, signal));
  }

  interrupt(): void {
    this.#stop.abort();
  }

  close(): void {
    this.lost = true;
    this.#stop.abort();
    this.files.clear();
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  put(path: string, data: Uint8Array, executable = false): FileStat {
    this.#clock += 1;
    this.files.set(path, { data: Uint8Array.from(data), modifiedAtMs: this.#clock, executable });
    return { path, bytes: data.length, modifiedAtMs: this.#clock, executable };
  }

  async #run(call: ScriptedCall, onOutput: OutputSink, signal: AbortSignal): Promise<ExecutionResult> {
    if (signal.aborted) return resultOf({ outcome: 'interrupted' });
    if (this.lost) return resultOf({ outcome: 'sandbox_lost', stateKept: false });
    this.#stop = new AbortController();
    const step = this.nextStep(call);
    const text = { stdout: '', stderr: '' };
    for (const piece of step.output ?? []) {
      text[piece.stream] += piece.text;
      await onOutput(piece);
    }
    const stopped = step.untilStopped === true ? await this.#untilStopped(call.limits.timeoutMs, signal) : {};
    const changes = [...this.pending, ...this.#write(step.files ?? {})];
    this.pending = [];
    const result = resultOf({ ...text, changes, ...stopped, ...step.result });
    if (result.outcome === 'sandbox_lost') this.close();
    return this.lost ? { ...result, outcome: 'sandbox_lost', stateKept: false, changes: [] } : result;
  }

  async #untilStopped(timeoutMs: number, signal: AbortSignal): Promise<Partial<ExecutionResult>> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const any = AbortSignal.any([timeout, signal, this.#stop.signal]);
    if (!any.aborted) await new Promise((resolve) => any.addEventListener('abort', resolve, { once: true }));
    return { outcome: timeout.aborted ? 'timed_out' : 'interrupted' };
  }

  /** As a process does that a call left running. */
  changeBehind(files: Readonly<Record<string, string | null>>): void {
    this.pending = [...this.pending, ...this.#write(files)];
  }

  #write(files: Readonly<Record<string, string | null>>): FileChange[] {
    return Object.entries(files).map(([path, text]) => {
      const change = this.files.has(path) ? 'modified' : 'created';
      if (text !== null) return { change, ...this.put(path, Buffer.from(text)) };
      this.files.delete(path);
      return { change: 'deleted', path };
    });
  }
}

function resultOf(fields: Partial<ExecutionResult>): ExecutionResult {
  return {
    outcome: 'completed',
    stateKept: true,
    stdout: '',
    stderr: '',
    droppedBytes: 0,
    overflows: [],
    closedStreams: [],
    images: [],
    videoFrames: [],
    videoFrameCount: 0,
    durationMs: 0,
    oomKills: 0,
    background: [],
    changes: [],
    ...fields,
  };
}

export class ScriptedSandbox implements Sandbox {
  readonly workingDirectory = '/workspace';

  constructor(
    private readonly sessionId: string,
    private readonly container: ScriptedContainer,
    readonly fresh: boolean,
  ) {}

  get id(): string {
    return this.container.id;
  }

  exec(
    code: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.container.run({ kind: 'exec', sessionId: this.sessionId, code, limits }, onOutput, signal);
  }

  shell(
    commands: readonly string[],
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.container.run(
      { kind: 'shell', sessionId: this.sessionId, commands, limits },
      onOutput,
      signal,
    );
  }

  resume(
    key: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.container.run({ kind: 'resume', sessionId: this.sessionId, key, limits }, onOutput, signal);
  }

  acknowledge(): void {}

  list(signal?: AbortSignal): Promise<readonly FileStat[]> {
    return this.#request(signal, () =>
      [...this.container.files].map(([path, { data, modifiedAtMs, executable }]) => ({
        path,
        bytes: data.length,
        modifiedAtMs,
        executable,
      })),
    );
  }

  pending(signal?: AbortSignal): Promise<readonly FileChange[]> {
    return this.#request(signal, () => this.container.pending);
  }

  async *read(path: string, maxBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await this.#request(signal, () => this.container.files.get(checkedPath(path)));
    if (file === undefined) throw new DomainError('not_found', `no such file: ${path}`);
    if (file.data.length > maxBytes) throw new DomainError('too_large', `${path} is over ${maxBytes} bytes`);
    yield Uint8Array.from(file.data);
  }

  async write(
    path: string,
    data: AsyncIterable<Uint8Array> | Uint8Array,
    { executable, signal }: WriteOptions = {},
  ): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of data instanceof Uint8Array ? [data] : data) pieces.push(piece);
    await this.#request(signal, () =>
      this.container.put(checkedPath(path), Buffer.concat(pieces), executable),
    );
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    const existed = await this.#request(signal, () => this.container.files.delete(checkedPath(path)));
    if (!existed) throw new DomainError('not_found', `no such file: ${path}`);
  }

  async interrupt(): Promise<void> {
    this.container.interrupt();
  }

  async close(): Promise<void> {
    this.container.close();
  }

  #request<T>(signal: AbortSignal | undefined, work: () => T): Promise<T> {
    return this.container.inTurn(async () => {
      signal?.throwIfAborted();
      if (this.container.lost)
        throw new DomainError('unavailable', 'The sandbox is gone.', { reason: 'sandbox_lost' });
      return work();
    });
  }
}

function checkedPath(path: string): string {
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new DomainError('invalid_request', 'a path is relative, without empty, `.` or `..` parts');
  }
  return path;
}
