import { messageOf } from '../../errors.js';
import type { BootedContainer } from './booted-container.js';

/**
 * Booted containers that wait for a session, made one at a time: booting several at once slows
 * all of them. A failed boot stops the filling until the next `fill`.
 */
export class ContainerPool {
  readonly #waiting = new Set<BootedContainer>();
  #filling: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly size: number,
    private readonly boot: () => Promise<BootedContainer>,
    private readonly log: (message: string) => void,
  ) {}

  take(): BootedContainer | undefined {
    const [container] = this.#waiting;
    if (container !== undefined) this.#waiting.delete(container);
    return container;
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
    await Promise.all([...this.#waiting].map((container) => container.destroy()));
    this.#waiting.clear();
  }

  async #fill(): Promise<void> {
    while (!this.#closed && this.#waiting.size < this.size) {
      try {
        const container = await this.boot();
        this.#waiting.add(container);
        container.connection.whenLost(() => this.#waiting.delete(container));
      } catch (error) {
        this.log(`no warm sandbox could be made: ${messageOf(error)}`);
        return;
      }
    }
  }
}
