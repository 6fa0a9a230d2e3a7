import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** Stands on a loopback port between a client and this machine's Docker engine. */
export interface EngineProxy {
  readonly port: number;
  /** Ends every connection, as an engine that stops does; new ones are refused until `mend`. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** From now on nothing gets through in either direction, and nothing is refused, as by an engine that hangs. */
  freeze(): void;
  close(): Promise<void>;
}

export interface EngineProxyOptions {
  /** On the way in and on the way out again. */
  readonly delayMs?: number;
  readonly tls?: TlsOptions;
}

/** Where the engine of this machine listens. */
export function engineSocket(): string {
  return (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
}

export async function startEngineProxy({ delayMs = 0, tls }: EngineProxyOptions = {}): Promise<EngineProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  // An attached stream is closed in one direction first, so each direction ends by itself.
  const relay = (client: Socket): void => {
    client.on('error', () => undefined);
    if (frozen) return;
    const upstream = connect({ path: engineSocket(), allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    client.once('close', () => upstream.destroy());
    carry(client, upstream, delayMs);
    carry(upstream, client, delayMs);
  };
  const server: Server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, relay)
      : createTlsServer({ ...tls, allowHalfOpen: true }, relay);
  server.on('tlsClientError', () => undefined);
  // Beneath TLS: one whose handshake is not over would keep the server from closing.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let port = 0;
  const mend = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const cut = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await mend();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  port = address.port;
  const freeze = (): void => {
    frozen = true;
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { port, cut, mend, freeze, close: () => (server.listening ? cut() : Promise.resolve()) };
}

/** In order, each piece later by the delay: timers of one length end in the order of their start. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  if (delayMs === 0) {
    from.pipe(to);
    return;
  }
  from.on('data', (chunk: Buffer) => {
    setTimeout(() => {
      if (to.writable) to.write(chunk);
    }, delayMs);
  });
  from.on('end', () => {
    setTimeout(() => to.end(), delayMs);
  });
}
