import { Connection } from '../gateway/connection.js';
import type { GatewayServices } from '../gateway/gateway-services.js';
import { partsJoiner } from '../gateway/message-parts.js';
import { GantryClientError } from './client-error.js';
import type { ClientSocket, OpenSocket, SocketListener } from './client-socket.js';

/**
 * The gateway's connection core on the other end of a client, without a network. Texts travel in turns of
 * the event loop; connections can be cut and refused.
 */
export class LoopbackServer {
  readonly received: Record<string, unknown>[] = [];
  connectionCount = 0;
  /** Frames from the client are lost on the way until the next connection. */
  swallowing = false;
  private refusal: GantryClientError | undefined;
  private away = false;
  private cutCurrent: ((code: number) => void) | undefined;

  constructor(private readonly services: GatewayServices) {}

  readonly openSocket: OpenSocket = (_target, listener) => this.connect(listener);

  cut(code = 1006): void {
    this.cutCurrent?.(code);
  }

  /** New connections fail until it is back. */
  setAway(away: boolean): void {
    this.away = away;
    if (away) this.cut();
  }

  refuseWith(status: number): void {
    this.refusal = new GantryClientError('refused', `Status ${status}.`, { status });
  }

  private connect(listener: SocketListener): ClientSocket {
    let isOpen = true;
    this.swallowing = false;
    const later = (work: () => void) =>
      setImmediate(() => {
        if (isOpen) work();
      });
    const shut = (code: number, reason: string) => {
      if (!isOpen) return;
      isOpen = false;
      connection?.closed();
      setImmediate(() => listener.onClose(code, reason, this.refusal));
    };
    let connection: Connection | undefined;
    if (this.away || this.refusal !== undefined) later(() => shut(1006, 'nobody there'));
    else {
      this.connectionCount += 1;
      const join = partsJoiner();
      connection = new Connection(
        {
          bufferedAmount: 0,
          send: (part, sent) => {
            const text = join(part);
            if (text !== undefined) later(() => listener.onText(text));
            setImmediate(sent);
          },
          ping: () => undefined,
          close: shut,
          terminate: () => shut(1006, ''),
        },
        this.services,
        { report: (error) => console.error(error) },
      );
      this.cutCurrent = (code) => shut(code, '');
      later(() => listener.onOpen());
    }
    return {
      send: (text) =>
        later(() => {
          if (this.swallowing) return;
          this.received.push(JSON.parse(text) as Record<string, unknown>);
          connection?.receive(text);
        }),
      close: () => shut(1000, ''),
    };
  }
}
