import { messageOf } from '../../errors.js';
import type { EngineAddress } from './engine-address.js';
import { HostSocket } from './host-socket.js';

/**
 * Opens sockets for containers while the engine is known, or not known not, to see this machine's files: an engine
 * elsewhere does not, and neither does one whose server runs in a container itself.
 */
export class HostSockets {
  #isShared: boolean;

  constructor(
    address: EngineAddress,
    private readonly log: (message: string) => void,
  ) {
    this.#isShared = address.kind === 'socket';
  }

  /** Undefined: the container is spoken to through the engine. Never rejects. */
  async open(): Promise<HostSocket | undefined> {
    if (!this.#isShared) return undefined;
    try {
      return await HostSocket.open();
    } catch (error) {
      this.#giveUp(messageOf(error));
      return undefined;
    }
  }

  /** Whether a container was refused for its socket alone, so that another try without one may succeed. */
  wasRefused(error: unknown): boolean {
    const reason = messageOf(error);
    if (!this.#isShared || !/bind source path|invalid mount|mounts? denied|not shared/i.test(reason))
      return false;
    this.#giveUp(reason);
    return true;
  }

  #giveUp(reason: string): void {
    this.#isShared = false;
    this.log(`sandboxes are spoken to through the engine, which is slower: ${reason}`);
  }
}
