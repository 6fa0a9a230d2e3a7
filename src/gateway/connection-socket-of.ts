import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ConnectionSocket } from './connection-socket.js';
import type { MessagePart } from './message-parts.js';

/**
 * `transport` is what `client` writes to. Frames that are ready together, as those of a replay, leave in one
 * system call and not in one each.
 */
export function connectionSocketOf(
  client: WebSocket,
  transport: Pick<Socket, 'cork' | 'uncork'>,
): ConnectionSocket {
  let isCorked = false;
  return {
    get bufferedAmount() {
      return client.bufferedAmount;
    },
    send: ({ data, isLast }: MessagePart, sent: (error?: Error | null) => void) => {
      if (!isCorked) {
        isCorked = true;
        transport.cork();
        process.nextTick(() => {
          isCorked = false;
          transport.uncork();
        });
      }
      client.send(data, { binary: false, fin: isLast }, sent);
    },
    ping: () => {
      if (client.readyState === client.OPEN) client.ping();
    },
    close: (code: number, reason: string) => client.close(code, reason),
    terminate: () => client.terminate(),
  };
}
