import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.js';
import type { KernelConnection } from '../kernel/kernel-connection.js';
import { anchorOf } from '../kernel/token-chain.js';
import type { SandboxSpec } from '../sandbox.js';
import type { KeptSandbox, KeptSandboxes } from './kept-sandboxes.js';

const SECRET_BYTES = 32;
/** Of a container's patience: a server that is slow for a while loses none. */
const HEARTBEATS_WITHIN_PATIENCE = 20;

/** How containers outlive the process that made them. */
export interface Outliving {
  readonly kept: KeptSandboxes;
  /** A container that hears of no process for this long leaves by itself. */
  readonly unattendedMs: number;
  /** Whether this process takes what nobody else will come for; one that works no runs has no use for it. */
  readonly adoptsOrphans: boolean;
}

const IGNORED = { frame: () => undefined, answer: () => undefined, lost: () => undefined };

/** This process's hold on one container that may outlive it. */
export class ContainerHold {
  #kept: KeptSandbox | undefined;

  private constructor(
    private readonly terms: Outliving,
    private readonly log: (message: string) => void,
    kept?: KeptSandbox,
  ) {
    this.#kept = kept;
  }

  /** Of a container that was just made; it is kept for nobody yet. */
  static fresh(terms: Outliving, log: (message: string) => void): ContainerHold {
    return new ContainerHold(terms, log);
  }

  static takenOver(kept: KeptSandbox, terms: Outliving, log: (message: string) => void): ContainerHold {
    return new ContainerHold(terms, log, kept);
  }

  /** Whether a next process could take the container over. */
  get isKept(): boolean {
    return this.#kept !== undefined;
  }

  /** Lets the container know that this process lives, until the connection is lost. */
  attend(connection: KernelConnection): void {
    const beat = (): void => void connection.request({ op: 'ping' }, IGNORED);
    const timer = setInterval(beat, this.terms.unattendedMs / HEARTBEATS_WITHIN_PATIENCE);
    timer.unref();
    connection.whenLost(() => clearInterval(timer));
  }

  /** From now on the session's next process may have it. One that cannot be kept is good for this process all the same. */
  async keepFor(
    spec: SandboxSpec,
    connection: KernelConnection,
    made: Pick<KeptSandbox, 'containerId' | 'profile'>,
  ): Promise<void> {
    const secret = randomBytes(SECRET_BYTES);
    const { sessionId, egress = [] } = spec;
    const kept = { ...made, sessionId, egress, secret, generation: 0 };
    try {
      // Frames keep their order: the kernel has it before any call of the session.
      connection.request({ op: 'succession', anchor: anchorOf(secret).toString('hex') }, IGNORED);
      await this.terms.kept.add(kept);
      this.#kept = kept;
    } catch (error) {
      this.log(`the sandbox of ${sessionId} will not outlive this process: ${messageOf(error)}`);
    }
  }

  /** Whether the container is this process's to remove: not when another has taken it over, or nobody can say. */
  async drop(): Promise<boolean> {
    if (this.#kept === undefined) return true;
    try {
      return await this.terms.kept.drop(this.#kept);
    } catch (error) {
      this.log(`a sandbox is left to leave by itself: ${messageOf(error)}`);
      return false;
    }
  }
}
