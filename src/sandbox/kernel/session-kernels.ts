import { DomainError } from '../../errors.js';
import type { Egress } from '../egress/egress.js';
import type { Sandbox, SandboxSpec } from '../sandbox.js';
import type { BootedKernel } from './booted-kernel.js';
import { KernelSandbox } from './kernel-sandbox.js';
import { openNetwork, reopenNetwork } from './open-network.js';
import { SandboxSession } from './sandbox-session.js';

/** What an earlier process left. */
export interface KernelLeft {
  readonly kernel: BootedKernel;
  /** The hosts it was made for. */
  readonly egress: readonly string[];
}

/** Where the kernels come from. */
interface KernelSource {
  make(spec: SandboxSpec, signal?: AbortSignal, onQueued?: (position: number) => void): Promise<BootedKernel>;
  /** For that session, as it was left; never rejects. Absent: none outlives its process. */
  takeOver?(spec: SandboxSpec): Promise<KernelLeft | undefined>;
}

interface OpenedSession {
  readonly session: SandboxSession;
  readonly fresh: boolean;
}

/** Which session has which kernel. The same session gets the same one until it is closed or lost. */
export class SessionKernels {
  readonly #sessions = new Map<string, Promise<OpenedSession | undefined>>();
  readonly #live = new Map<string, SandboxSession>();
  #closed = false;

  constructor(
    private readonly source: KernelSource,
    private readonly idleMs: number,
    private readonly egress?: Egress,
  ) {}

  async acquire(
    spec: SandboxSpec,
    signal?: AbortSignal,
    onQueued?: (position: number) => void,
  ): Promise<Sandbox> {
    const sandbox = await this.#enter(spec, signal, async () => {
      const left = this.source.takeOver === undefined ? undefined : await this.#takeOver(spec);
      return left ?? this.#make(spec, signal, onQueued);
    });
    if (sandbox === undefined) throw new Error('a sandbox that was made is none');
    return sandbox;
  }

  /** As `acquire`, but makes none. */
  recover(spec: SandboxSpec, signal?: AbortSignal): Promise<Sandbox | undefined> {
    return this.#enter(spec, signal, () => this.#takeOver(spec));
  }

  current(sessionId: string): Sandbox | undefined {
    const session = this.#live.get(sessionId);
    return session === undefined || session.isLost ? undefined : new KernelSandbox(session, false);
  }

  async release(sessionId: string): Promise<void> {
    const opened = await this.#sessions.get(sessionId)?.catch(() => undefined);
    await opened?.session.kernel.destroy();
  }

  /** Nothing can be acquired from now on. */
  refuse(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.refuse();
    await Promise.all([...this.#sessions.values()].map((opening) => this.#leave(opening)));
  }

  /** The session's sandbox, live or on its way, else what `open` gives. */
  async #enter(
    spec: SandboxSpec,
    signal: AbortSignal | undefined,
    open: () => Promise<OpenedSession | undefined>,
  ): Promise<Sandbox | undefined> {
    signal?.throwIfAborted();
    if (this.#closed) throw new DomainError('unavailable', 'The server is stopping.');
    const known = this.#sessions.get(spec.sessionId);
    if (known === undefined) return this.#begin(spec, open);
    // That another's making failed, or was given up, says nothing about this one's.
    const opened = await unlessAborted(
      known.catch(() => undefined),
      signal,
    );
    if (opened === undefined || opened.session.isLost) {
      this.#forget(spec.sessionId, known);
      return this.#enter(spec, signal, open);
    }
    opened.session.network?.attributeTo(spec.runId);
    return new KernelSandbox(opened.session, false);
  }

  async #begin(
    spec: SandboxSpec,
    open: () => Promise<OpenedSession | undefined>,
  ): Promise<Sandbox | undefined> {
    const opening = open();
    this.#sessions.set(spec.sessionId, opening);
    try {
      const opened = await opening;
      if (opened === undefined) {
        this.#forget(spec.sessionId, opening);
        return undefined;
      }
      this.#live.set(spec.sessionId, opened.session);
      opened.session.kernel.connection.whenLost(() => this.#forget(spec.sessionId, opening));
      return new KernelSandbox(opened.session, opened.fresh);
    } catch (error) {
      this.#forget(spec.sessionId, opening);
      throw error;
    }
  }

  async #make(
    spec: SandboxSpec,
    signal: AbortSignal | undefined,
    onQueued: ((position: number) => void) | undefined,
  ): Promise<OpenedSession> {
    const kernel = await this.source.make(spec, signal, onQueued);
    return { session: await this.#open(kernel, spec, openNetwork), fresh: true };
  }

  async #takeOver(spec: SandboxSpec): Promise<OpenedSession | undefined> {
    const left = await this.source.takeOver?.(spec);
    if (left === undefined) return undefined;
    const { kernel, egress } = left;
    return { session: await this.#open(kernel, { ...spec, egress }, reopenNetwork), fresh: false };
  }

  async #open(kernel: BootedKernel, spec: SandboxSpec, connect: typeof openNetwork): Promise<SandboxSession> {
    try {
      const network = this.egress?.networkFor(spec);
      if (network !== undefined) await connect(kernel.connection, network);
      return new SandboxSession(kernel, this.idleMs, network);
    } catch (error) {
      await kernel.destroy();
      throw error;
    }
  }

  async #leave(opening: Promise<OpenedSession | undefined>): Promise<void> {
    const opened = await opening.catch(() => undefined);
    if (opened === undefined) return;
    const { kernel } = opened.session;
    await (kernel.outlive === undefined ? kernel.destroy() : kernel.outlive.leave());
  }

  #forget(sessionId: string, making: Promise<OpenedSession | undefined>): void {
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
