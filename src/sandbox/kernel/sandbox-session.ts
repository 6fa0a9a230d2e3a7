import type { SandboxNetwork } from '../egress/egress.js';
import type {
  ExecutionLimits,
  ExecutionResult,
  FileChange,
  FileStat,
  OutputSink,
  WriteOptions,
} from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import { runExecution, type ExecutionRequest } from './execution.js';
import { listFiles, pendingChanges, readFile, removeFile, writeFile } from './kernel-files.js';

/** One session's kernel: its requests run one after another, and idleness ends it. */
export class SandboxSession {
  #tail: Promise<unknown> = Promise.resolve();
  #busy = 0;
  readonly #idleTimer: NodeJS.Timeout;
  #interrupt: (() => void) | undefined;

  constructor(
    readonly kernel: BootedKernel,
    idleMs: number,
    readonly network?: SandboxNetwork,
  ) {
    // It comes while a request runs as well: to wind it up once a request is cheaper than to make it anew.
    this.#idleTimer = setTimeout(() => this.#onIdle(), idleMs).unref();
    kernel.connection.whenLost(() => clearTimeout(this.#idleTimer));
  }

  get isLost(): boolean {
    return this.kernel.connection.lostBecause !== undefined;
  }

  execute(
    request: ExecutionRequest,
    limits: ExecutionLimits,
    onOutput: OutputSink,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.#inTurn(async () => {
      const result = await runExecution(
        this.kernel.connection,
        request,
        limits,
        onOutput,
        signal,
        (interrupt) => {
          this.#interrupt = interrupt;
        },
      ).finally(() => {
        this.#interrupt = undefined;
      });
      const refusedHosts = this.network?.takeRefused() ?? [];
      return refusedHosts.length === 0 ? result : { ...result, refusedHosts };
    });
  }

  list(signal?: AbortSignal): Promise<readonly FileStat[]> {
    return this.#fileRequest(() => listFiles(this.kernel.connection), signal);
  }

  pending(signal?: AbortSignal): Promise<readonly FileChange[]> {
    return this.#fileRequest(() => pendingChanges(this.kernel.connection), signal);
  }

  remove(path: string, signal?: AbortSignal): Promise<void> {
    return this.#fileRequest(() => removeFile(this.kernel.connection, path), signal);
  }

  write(path: string, data: AsyncIterable<Uint8Array> | Uint8Array, options?: WriteOptions): Promise<void> {
    return this.#fileRequest(() => writeFile(this.kernel.connection, path, data, options), options?.signal);
  }

  async *read(path: string, maxBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const over = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const turn = this.#inTurn(() => {
      started.resolve();
      return over.promise;
    });
    await started.promise;
    try {
      yield* readFile(this.kernel.connection, path, maxBytes, signal);
    } finally {
      over.resolve();
      await turn;
    }
  }

  /** A kernel that ends with this process keeps nothing for a next one. */
  acknowledge(key: string): void {
    if (this.kernel.outlive === undefined) return;
    const ignore = (): void => undefined;
    this.kernel.connection.request(
      { op: 'acknowledge', key },
      { frame: ignore, answer: ignore, lost: ignore },
    );
  }

  interrupt(): void {
    this.#interrupt?.();
  }

  async #fileRequest<T>(request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.#inTurn(async () => {
      signal?.throwIfAborted();
      return request();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    const result = this.#tail.then(work).finally(() => {
      this.#busy -= 1;
      if (this.#busy === 0 && !this.isLost) this.#idleTimer.refresh();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #onIdle(): void {
    if (this.#busy === 0) void this.kernel.destroy();
  }
}
