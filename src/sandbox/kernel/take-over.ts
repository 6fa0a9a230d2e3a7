import { randomBytes } from 'node:crypto';
import { encodeFrame } from './frame-codec.js';

/** As in sandboxes/kernel/gantry_kernel/takeover.py, the other end. */
const MAGIC = Buffer.from('gantry take-over');
const NONCE_BYTES = 32;

/** How a connection begins in the middle of what an earlier host left: what is said, and what the kernel answers. */
export interface TakeOver {
  readonly request: Buffer;
  readonly answer: Buffer;
}

export function newTakeOver(token: Uint8Array): TakeOver {
  const nonce = randomBytes(NONCE_BYTES);
  return {
    request: encodeFrame('takeOver', MAGIC, token, nonce),
    answer: encodeFrame('takeOver', MAGIC, nonce),
  };
}

/** Passes over what was meant for an earlier host, half frames included, however the bytes are cut. */
export class AnswerScanner {
  #tail: Buffer = Buffer.alloc(0);

  constructor(private readonly answer: Buffer) {}

  /** What follows the answer, once it is there. Nobody can know it before it was asked for: the nonce is in it. */
  feed(chunk: Buffer): Buffer | undefined {
    const window = Buffer.concat([this.#tail, chunk]);
    const start = window.indexOf(this.answer);
    if (start >= 0) return window.subarray(start + this.answer.length);
    this.#tail = window.subarray(Math.max(0, window.length - this.answer.length + 1));
    return undefined;
  }
}
