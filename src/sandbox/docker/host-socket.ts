import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the container finds the folder; as in sandboxes/kernel/gantry_kernel/boot.py. */
export const HOST_SOCKET_TARGET = '/run/gantry';
const SOCKET_NAME = 'host';

/**
 * A socket that one container's kernel meets its host at, before anything else runs in there. It takes one
 * connection; then, or when it is closed, the socket and its folder are gone.
 */
export class HostSocket {
  /** The first to connect. Never settles where nobody does. */
  readonly connected: Promise<Socket>;

  private constructor(
    private readonly root: string,
    /** To be mounted at HOST_SOCKET_TARGET. */
    readonly folder: string,
    private readonly server: Server,
  ) {
    this.connected = new Promise((resolve) => {
      server.once('connection', (socket) => {
        void this.close();
        resolve(socket);
      });
    });
  }

  static async open(): Promise<HostSocket> {
    // Nobody else on this machine gets through the outer folder; the container is given the inner one, and its user
    // has to get to the socket.
    const root = await mkdtemp(join(tmpdir(), 'gantry-host-'));
    const folder = join(root, 'k');
    await mkdir(folder);
    await chmod(folder, 0o711);
    const server = createServer();
    server.maxConnections = 1;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: join(folder, SOCKET_NAME), writableAll: true, readableAll: true }, resolve);
    });
    return new HostSocket(root, folder, server);
  }

  /** Idempotent; a connection that was made stays. Never rejects. */
  async close(): Promise<void> {
    this.server.close();
    await rm(this.root, { recursive: true, force: true }).catch(() => undefined);
  }
}
