import { DomainError } from '../../errors.js';
import type { Egress } from '../egress/egress.js';
import type { Sandbox, SandboxSpec } from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import { KernelSandbox } from './kernel-sandbox.js';
import { openNetwork } from './open-network.js';
import { SandboxSession } from './sandbox-session.js';

/** Which session has which kernel. The same session gets the same one until it is closed or lost. */
export class SessionKernels {
  readonly #sessions = new Map<string, Promise<SandboxSession>>();
  readonly #live = new Map<string, SandboxSession>();
  #closed = false;

  constructor(
    private readonly make: (
      spec: SandboxSpec,
      signal?: AbortSignal,
      onQueued?: (position: number) => void,
    ) => Promise<BootedKernel>,
    private readonly idleMs: number,
    private readonly egress?: Egress,
  ) {}

  async acquire(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<Sandbox> {
    signal?.throwIfAborted();
    if (this.#closed) throw new DomainError('unavailable', 'The server is stopping.');
    const known = this.#sessions.get(spec.sessionId);
    if (known !== undefined) {
      // That another's making failed, or was given up, says nothing about this one's.
      const session = await unlessAborted(
        known.catch(() => undefined),
        signal,
      );
      if (session !== undefined && !session.isLost) {
        session.network?.attributeTo(spec.runId);
        return new KernelSandbox(session, false);
      }
      this.#forget(spec.sessionId, known);
      return this.acquire(spec, signal, onQueued);
    }
    const making = this.make(spec, signal, onQueued).then((kernel) => this.#open(kernel, spec));
    this.#sessions.set(spec.sessionId, making);
    try {
      const session = await making;
      this.#live.set(spec.sessionId, session);
      session.kernel.connection.whenLost(() => this.#forget(spec.sessionId, making));
      return new KernelSandbox(session, true);
    } catch (error) {
      this.#forget(spec.sessionId, making);
      throw error;
    }
  }

  current(sessionId: string): Sandbox | undefined {
    const session = this.#live.get(sessionId);
    return session === undefined || session.isLost ? undefined : new KernelSandbox(session, false);
  }

  async release(sessionId: string): Promise<void> {
    const session = await this.#sessions.get(sessionId)?.catch(() => undefined);
    await session?.kernel.destroy();
  }

  /** Nothing can be acquired from now on. */
  refuse(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.refuse();
    await Promise.all([...this.#sessions.keys()].map((sessionId) => this.release(sessionId)));
  }

  async #open(kernel: BootedKernel, spec: SandboxSpec): Promise<SandboxSession> {
    try {
      const network = this.egress?.networkFor(spec);
      if (network !== undefined) await openNetwork(kernel.connection, network);
      return new SandboxSession(kernel, this.idleMs, network);
    } catch (error) {
      await kernel.destroy();
      throw error;
    }
  }

  #forget(sessionId: string, making: Promise<SandboxSession>): void {
    if (this.#sessions.get(sessionId) !== making) return;
    this.#sessions.delete(sessionId);
    this.#live.delete(sessionId);
  }
}

/** Rejects with the signal's reason as soon as it is aborted; the work goes on. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
