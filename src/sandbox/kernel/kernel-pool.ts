import { messageOf } from '../../errors.js';
import type { BootedKernel } from './booted-kernel.js';

/**
 * Booted kernels that wait for a session, made one at a time: booting several at once slows
 * all of them. A failed boot stops the filling until the next `fill`.
 */
export class KernelPool {
  readonly #waiting = new Set<BootedKernel>();
  #filling: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly size: number,
    private readonly boot: () => Promise<BootedKernel>,
    private readonly log: (message: string) => void,
  ) {}

  take(): BootedKernel | undefined {
    const [kernel] = this.#waiting;
    if (kernel !== undefined) this.#waiting.delete(kernel);
    return kernel;
  }

  /** Resolves when the pool is full or cannot be filled; never rejects. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling;
    await Promise.all([...this.#waiting].map((kernel) => kernel.destroy()));
    this.#waiting.clear();
  }

  async #fill(): Promise<void> {
    while (!this.#closed && this.#waiting.size < this.size) {
      try {
        const kernel = await this.boot();
        this.#waiting.add(kernel);
        kernel.connection.whenLost(() => this.#waiting.delete(kernel));
      } catch (error) {
        this.log(`no warm sandbox could be made: ${messageOf(error)}`);
        return;
      }
    }
  }
}
