import type { Duplex } from 'node:stream';
import { FrameError } from './frame-codec.js';
import { INITIAL_STREAMS, decodeTunnelFrame, encodeTunnelFrame, type TunnelFrame } from './tunnel-frames.js';
import { TunnelStream } from './tunnel-stream.js';

/** How tunnel frames get to the kernel. */
export interface TunnelLink {
  /** False when no more should be sent until `onDrain` was called. */
  send(payload: Buffer): boolean;
  onDrain(callback: () => void): void;
}

/**
 * The connections that code in one sandbox opened, multiplexed over its kernel's frames. Streams take turns,
 * one frame each, and nothing is sent ahead of what the link takes: what a hostile kernel can make this hold
 * is its streams' credit, and what it can make this send is their answers.
 */
export class Tunnels {
  readonly #streams = new Map<number, TunnelStream>();
  /** Those that may have something to send, in turn. */
  readonly #ready = new Set<TunnelStream>();
  #lastId = 0;
  #openable = INITIAL_STREAMS;
  #openCredit = 0;
  #pumping = false;
  #blocked = false;
  #closed = false;
  #started: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(
    private readonly link: TunnelLink,
    private readonly serve: (connection: Duplex) => void,
    private readonly idleMs: number,
  ) {}

  get open(): number {
    return this.#streams.size;
  }

  /** Resolves when the kernel takes connections; rejects with why it cannot. Call it once. */
  start(port: number, environment: Readonly<Record<string, string>>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#started = { resolve, reject };
    this.link.send(
      encodeTunnelFrame({ operation: 'start', stream: 0, text: JSON.stringify({ port, environment }) }),
    );
    return promise;
  }

  /** Throws a FrameError on what no kernel sends; a frame for a stream that is over is dropped. */
  receive(payload: Buffer): void {
    const frame = decodeTunnelFrame(payload);
    if (frame.operation === 'start') {
      this.#settleStart(frame.text);
      return;
    }
    if (frame.operation === 'open') {
      this.#open(frame.stream);
      return;
    }
    if (frame.stream === 0 || frame.stream > this.#lastId)
      throw new FrameError('tunnel that was never opened');
    const stream = this.#streams.get(frame.stream);
    if (stream !== undefined) this.#give(stream, frame);
  }

  /** Ends every connection; the kernel is gone. */
  close(): void {
    this.#closed = true;
    this.#started?.reject(new Error('the sandbox is gone'));
    for (const stream of this.#streams.values()) stream.abandon();
    this.#streams.clear();
    this.#ready.clear();
  }

  #settleStart(problem: string): void {
    if (this.#started === undefined) throw new FrameError('tunnels started without being asked');
    if (problem === '') this.#started.resolve();
    else this.#started.reject(new Error(problem));
  }

  #open(id: number): void {
    if (id !== this.#lastId + 1) throw new FrameError('tunnel opened out of order');
    if (this.#openable === 0) throw new FrameError('more tunnels than were allowed');
    this.#lastId = id;
    this.#openable -= 1;
    const stream = new TunnelStream(id, (changed) => this.#schedule(changed), this.idleMs);
    this.#streams.set(id, stream);
    this.serve(stream);
  }

  #give(stream: TunnelStream, frame: Exclude<TunnelFrame, { operation: 'open' | 'start' }>): void {
    switch (frame.operation) {
      case 'data':
        stream.receive(frame.bytes);
        return;
      case 'credit':
        stream.receiveCredit(frame.amount);
        return;
      case 'end':
        stream.receiveEnd();
        return;
      case 'reset':
        stream.abandon();
        return;
      default:
        frame satisfies never;
    }
  }

  #schedule(stream: TunnelStream): void {
    if (this.#closed) return;
    this.#ready.add(stream);
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping || this.#blocked) return;
    this.#pumping = true;
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      if (this.link.send(encodeTunnelFrame(frame))) continue;
      this.#blocked = true;
      this.link.onDrain(() => {
        this.#blocked = false;
        this.#pump();
      });
      break;
    }
    this.#pumping = false;
  }

  /** The next stream's next frame; a stream that has one goes to the end of the line. */
  #next(): TunnelFrame | undefined {
    for (const stream of this.#ready) {
      this.#ready.delete(stream);
      const frame = stream.nextFrame();
      if (stream.isOver) this.#forget(stream);
      if (frame === undefined) continue;
      if (!stream.isOver) this.#ready.add(stream);
      return frame;
    }
    if (this.#openCredit === 0) return undefined;
    const amount = this.#openCredit;
    this.#openCredit = 0;
    this.#openable += amount;
    return { operation: 'credit', stream: 0, amount };
  }

  #forget(stream: TunnelStream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#openCredit += 1;
  }
}
