import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/** Stands between a server and the Docker engine, and can be cut as if that engine had stopped. */
export interface DockerProxy {
  /** For `DOCKER_HOST`. */
  readonly url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function startDockerProxy(path: string): Promise<DockerProxy> {
  const engine = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
  const sockets = new Set<Socket>();
  // An attached stream is closed in one direction first, so each direction ends by itself.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  await listen();
  return {
    url: `unix://${path}`,
    cut: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(path, { force: true });
    },
    mend: listen,
  };
}
