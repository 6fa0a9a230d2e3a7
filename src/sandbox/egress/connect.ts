import { connect as connectSocket, isIP } from 'node:net';
import type { Duplex } from 'node:stream';

/** Opens a connection to an address, never to a name. Rejects when it cannot or when aborted. */
export type Connect = (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export const connectTo: Connect = (address, port, signal) =>
  new Promise((resolve, reject) => {
    if (isIP(address) === 0) throw new Error(`${address} is no address`);
    signal.throwIfAborted();
    const socket = connectSocket({ host: address, port, allowHalfOpen: true, noDelay: true });
    const abort = (): void => void socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', reject);
    socket.once('close', () => signal.removeEventListener('abort', abort));
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', reject);
      resolve(socket);
    });
  });
