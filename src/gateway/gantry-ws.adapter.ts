import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketServer } from 'ws';
import { DomainError } from '../errors.js';
import { setPrincipal } from '../auth/current-principal.js';
import { MAX_FRAME_BYTES, SUBPROTOCOL } from './frames.js';
import { shakeHands } from './handshake.js';
import type { HandshakePolicy } from './handshake.js';
import { refusalOf, refuseUpgrade } from './refuse-upgrade.js';

/** Frames up to this size arrive, so that one that is too large can be answered; `ws` cuts off larger ones by 1009. */
const RECEIVED_BYTES = 4 * MAX_FRAME_BYTES;
/** How long a peer may take to answer a close frame. */
const CLOSE_MS = 5_000;

/**
 * Nest's adapter with a handshake of our own and without its message binding, which drops what it cannot
 * read. A gateway finds who was admitted by `principalOf(request)`.
 */
export class GantryWsAdapter extends WsAdapter {
  private readonly servers = new Map<string, WebSocketServer>();
  private listening: { readonly server: Server; readonly listener: UpgradeListener } | undefined;

  constructor(
    app: INestApplication,
    private readonly policy: HandshakePolicy,
  ) {
    super(app);
  }

  override create(_port: number, options: { readonly path?: string } = {}): WebSocketServer {
    const server = new WebSocketServer({
      noServer: true,
      maxPayload: RECEIVED_BYTES,
      perMessageDeflate: false,
      closeTimeout: CLOSE_MS,
      handleProtocols: () => SUBPROTOCOL,
    } as ConstructorParameters<typeof WebSocketServer>[0]);
    this.servers.set(options.path ?? '/', server);
    this.listen();
    return server;
  }

  /** The gateway reads its sockets itself. */
  override bindMessageHandlers(): void {
    return;
  }

  /** The gateway has said goodbye to its connections; what is left did not answer. */
  override async close(server: WebSocketServer): Promise<void> {
    for (const client of server.clients) client.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  override async dispose(): Promise<void> {
    this.listening?.server.off('upgrade', this.listening.listener);
    this.listening = undefined;
    this.servers.clear();
  }

  private listen(): void {
    if (this.listening !== undefined) return;
    const server = this.httpServer as Server;
    const listener: UpgradeListener = (request, socket, head) => void this.upgrade(request, socket, head);
    server.on('upgrade', listener);
    this.listening = { server, listener };
  }

  /** Never rejects. */
  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until the upgrade nobody else listens, and an unheard error ends the process.
    const onError = () => socket.destroy();
    socket.on('error', onError);
    const server = this.servers.get((request.url ?? '').split('?')[0] ?? '');
    if (server === undefined) {
      refuseUpgrade(socket, refusalOf(noWebSocketHere()));
      return;
    }
    const outcome = await shakeHands(request, this.policy);
    if (!outcome.admitted) {
      refuseUpgrade(socket, outcome.refusal);
      return;
    }
    socket.off('error', onError);
    setPrincipal(request, outcome.principal);
    server.handleUpgrade(request, socket, head, (client) => {
      server.emit('connection', client, request);
    });
  }
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

function noWebSocketHere(): DomainError {
  return new DomainError('not_found', 'There is no WebSocket at this path; it is at /v1/ws.', {
    reason: 'route_not_found',
  });
}
