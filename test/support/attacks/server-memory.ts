import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const SAMPLE_MS = 100;

/** This process's resident memory against what it was at the start: after a collection, and at its highest. */
export class ServerMemory {
  readonly #before: number;
  readonly #collect: () => void;
  readonly #timer: NodeJS.Timeout;
  #highest = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    this.#collect();
    this.#before = process.memoryUsage.rss();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** What is held on to, in bytes. */
  get growth(): number {
    this.#collect();
    return this.#sample();
  }

  /** The highest seen, garbage included. */
  get highest(): number {
    return this.#highest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): number {
    const growth = process.memoryUsage.rss() - this.#before;
    this.#highest = Math.max(this.#highest, growth);
    return growth;
  }
}
