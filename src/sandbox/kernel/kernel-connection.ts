import {
  FrameDecoder,
  FrameError,
  encodeCallId,
  encodeFrame,
  encodeJsonFrame,
  type Frame,
  type RequestFrameKind,
} from './frame-codec.js';
import {
  kernelMessageSchema,
  type KernelDone,
  type KernelReady,
  type KernelRefusal,
  type KernelResult,
} from './kernel-messages.js';
import type { KernelStream } from './kernel-stream.js';
import { AnswerScanner, type TakeOver } from './take-over.js';

export type KernelAnswer = KernelResult | KernelDone | KernelRefusal;

/** One request's listener. `answer` or `lost` comes last, once. */
export interface KernelListener {
  frame(kind: RequestFrameKind, body: Buffer): void;
  answer(answer: KernelAnswer): void;
  lost(): void;
}

/**
 * The conversation with one kernel. Always reads on, also when nobody listens: an engine cannot kill
 * a container whose output is stuck. Frames for requests that are over are dropped; anything that breaks the
 * protocol, and whatever a listener throws on, ends the connection.
 */
export class KernelConnection {
  readonly ready: Promise<KernelReady>;
  #lastId = 0;
  #lostBecause: string | undefined;
  readonly #listeners = new Map<number, KernelListener>();
  readonly #whenLost = new Set<() => void>();
  #takeTunnelFrame: ((payload: Buffer) => void) | undefined;
  readonly #settleReady: { resolve(ready: KernelReady): void; reject(error: Error): void };

  /** `takeOver`: the kernel had another host before this one. */
  constructor(
    private readonly stream: KernelStream,
    takeOver?: TakeOver,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<KernelReady>();
    this.ready = promise;
    this.#settleReady = { resolve, reject };
    // Whoever awaits it learns of a loss; nobody awaiting it is no fault.
    promise.catch(() => undefined);
    const decoder = new FrameDecoder();
    const scanner = takeOver && new AnswerScanner(takeOver.answer);
    let began = scanner === undefined;
    stream.output.on('data', (chunk: Buffer) => {
      const bytes = began ? chunk : scanner?.feed(chunk);
      began = bytes !== undefined;
      if (bytes !== undefined) this.#receive(decoder, bytes);
    });
    for (const part of [stream.input, stream.output]) {
      part.on('error', (error: Error) => this.close(error.message));
      part.on('close', () => this.close('the sandbox is gone'));
    }
    stream.output.on('end', () => this.close('the sandbox is gone'));
    if (takeOver !== undefined) stream.input.write(takeOver.request);
  }

  /** Why there is no connection any more; undefined while there is. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  /** Runs `callback` once, when the connection is lost, at once if it already is; what is returned takes that back. */
  whenLost(callback: () => void): () => void {
    if (this.#lostBecause === undefined) this.#whenLost.add(callback);
    else callback();
    return () => this.#whenLost.delete(callback);
  }

  /** Sends a request with a new id, which it returns; `listener` hears of it until its answer. */
  request(message: Readonly<Record<string, unknown>>, listener: KernelListener): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#lostBecause === undefined) {
      this.#listeners.set(id, listener);
      this.stream.input.write(encodeJsonFrame({ ...message, id }));
    } else {
      listener.lost();
    }
    return id;
  }

  /** A message about a request that is under way; dropped when the connection is lost. */
  tell(id: number, operation: 'interrupt' | 'more' | 'cancel'): void {
    if (this.#lostBecause === undefined) this.stream.input.write(encodeJsonFrame({ op: operation, id }));
  }

  /** Stops listening to a request whose answer is of no more use. */
  forget(id: number): void {
    this.#listeners.delete(id);
  }

  /** Resolves when more may be sent: the sandbox takes a file no faster than it can store it. */
  async sendData(id: number, data: Uint8Array): Promise<void> {
    if (this.#lostBecause !== undefined) return;
    if (this.stream.input.write(encodeFrame('data', encodeCallId(id), data))) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onDrain(resolve);
    const stopWaiting = this.whenLost(resolve);
    await promise;
    stopWaiting();
  }

  /** From now on the kernel may send frames of tunnels; what `take` throws on ends the connection. */
  carryTunnels(take: (payload: Buffer) => void): void {
    this.#takeTunnelFrame = take;
  }

  /** False when no more should be sent before `onDrain` calls back. */
  sendTunnelFrame(payload: Buffer): boolean {
    return this.#lostBecause !== undefined || this.stream.input.write(encodeFrame('tunnel', payload));
  }

  onDrain(callback: () => void): void {
    this.stream.input.once('drain', callback);
  }

  close(reason: string): void {
    if (this.#lostBecause !== undefined) return;
    const crash = this.stream.crashText();
    this.#lostBecause = crash === '' ? reason : `${reason}: ${crash}`;
    this.stream.destroy();
    this.#settleReady.reject(new Error(this.#lostBecause));
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.lost();
    for (const callback of this.#whenLost) callback();
    this.#whenLost.clear();
  }

  #receive(decoder: FrameDecoder, chunk: Buffer): void {
    if (this.#lostBecause !== undefined) return;
    try {
      for (const frame of decoder.feed(chunk)) this.#take(frame);
    } catch (error) {
      this.close(`the sandbox broke its protocol (${error instanceof Error ? error.message : 'unknown'})`);
    }
  }

  #take({ kind, payload }: Frame): void {
    if (kind === 'tunnel') {
      if (this.#takeTunnelFrame === undefined) throw new FrameError('a tunnel where none may be');
      this.#takeTunnelFrame(payload);
      return;
    }
    if (kind === 'takeOver') {
      this.close('another server has taken it over');
      return;
    }
    if (kind !== 'json') {
      this.#listeners.get(payload.readUInt32BE(0))?.frame(kind, payload.subarray(4));
      return;
    }
    const message = kernelMessageSchema.parse(JSON.parse(payload.toString('utf8')));
    if (message.type === 'ready') {
      this.#settleReady.resolve(message);
      return;
    }
    const listener = this.#listeners.get(message.id);
    this.#listeners.delete(message.id);
    listener?.answer(message);
  }
}
