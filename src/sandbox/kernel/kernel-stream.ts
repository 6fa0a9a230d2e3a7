import type { Readable, Writable } from 'node:stream';

/** The kernel's stdin and stdout, however they are carried. */
export interface KernelStream {
  /** Frames from the kernel; its end or close is the kernel's end. */
  readonly output: Readable;
  /** Frames to the kernel. */
  readonly input: Writable;
  /** The last of what the kernel wrote to stderr: it writes there only when it crashes. */
  crashText(): string;
  /** Idempotent. */
  destroy(): void;
}
