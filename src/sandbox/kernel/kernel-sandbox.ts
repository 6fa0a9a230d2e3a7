import { DomainError } from '../../errors.js';
import type {
  ExecutionLimits,
  ExecutionResult,
  FileChange,
  FileStat,
  OutputSink,
  Sandbox,
  WriteOptions,
} from '../sandbox.js';
import { WORKING_DIRECTORY } from './working-directory.js';
import type { SandboxSession } from './sandbox-session.js';

function checkedLimits(limits: ExecutionLimits, maxTimeoutMs: number): ExecutionLimits {
  const { timeoutMs, maxOutputBytes = 0 } = limits;
  if (!(timeoutMs > 0) || !(maxOutputBytes >= 0)) {
    throw new DomainError(
      'invalid_request',
      'A call needs a timeout over 0 ms and an output cap of 0 bytes or more.',
    );
  }
  return { ...limits, timeoutMs: Math.min(timeoutMs, maxTimeoutMs) };
}

/** What one `acquire` hands out; several may stand for the same kernel. */
export class KernelSandbox implements Sandbox {
  readonly workingDirectory = WORKING_DIRECTORY;

  constructor(
    private readonly session: SandboxSession,
    readonly fresh: boolean,
  ) {}

  get id(): string {
    return this.session.kernel.id;
  }

  async exec(
    code: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.session.execute({ op: 'exec', code }, this.#limited(limits), onOutput, signal);
  }

  async shell(
    commands: readonly string[],
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    const limited = this.#limited(limits);
    if (commands.some((command) => command.includes('\0'))) {
      throw new DomainError('invalid_request', 'A shell command cannot contain a zero byte.');
    }
    return this.session.execute({ op: 'shell', commands }, limited, onOutput, signal);
  }

  async resume(
    key: string,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.session.execute({ op: 'resume', key }, this.#limited(limits), onOutput, signal);
  }

  acknowledge(key: string): void {
    this.session.acknowledge(key);
  }

  list(signal?: AbortSignal): Promise<readonly FileStat[]> {
    return this.session.list(signal);
  }

  pending(signal?: AbortSignal): Promise<readonly FileChange[]> {
    return this.session.pending(signal);
  }

  read(path: string, maxBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.session.read(path, maxBytes, signal);
  }

  write(path: string, data: AsyncIterable<Uint8Array> | Uint8Array, options?: WriteOptions): Promise<void> {
    return this.session.write(path, data, options);
  }

  remove(path: string, signal?: AbortSignal): Promise<void> {
    return this.session.remove(path, signal);
  }

  async interrupt(): Promise<void> {
    this.session.interrupt();
  }

  close(): Promise<void> {
    return this.session.kernel.destroy();
  }

  #limited(limits: ExecutionLimits): ExecutionLimits {
    return checkedLimits(limits, this.session.kernel.maxTimeoutMs ?? Infinity);
  }
}
