import type { KernelConnection } from './kernel-connection.js';
import type { KernelReady } from './kernel-messages.js';
import type { SandboxSpec } from '../sandbox.js';

/** A place of its own with a kernel that answered. Its end, for whatever reason, ends `connection`. */
export interface BootedKernel {
  readonly id: string;
  readonly connection: KernelConnection;
  readonly kernel: KernelReady;
  /** No call runs longer, whatever it asks for. */
  readonly maxTimeoutMs?: number;
  /** Shows whose it is to people who look at the machine; never rejects. */
  rename(name: string): Promise<void>;
  /** Idempotent; never rejects. Resolves when the place is gone or nobody can be asked about it. */
  destroy(): Promise<void>;
  /** Absent: it ends with this process. */
  readonly outlive?: Outlive;
}

/** What lets a next process of this server have a kernel. */
interface Outlive {
  /** Before the session's first call; never rejects. Without it nobody can take it over. */
  keepFor(spec: SandboxSpec): Promise<void>;
  /** Lets go of it for the next process, which has a while to come; destroys it where nobody could. Never rejects. */
  leave(): Promise<void>;
}
