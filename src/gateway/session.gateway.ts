import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import type { OnGatewayConnection } from '@nestjs/websockets';
import type { RawData, WebSocket } from 'ws';
import { principalOf } from '../auth/current-principal.js';
import { Connection } from './connection.js';
import { connectionSocketOf } from './connection-socket-of.js';
import { CLOSE_CODES } from './frames.js';
import { GatewayServicesFactory } from './gateway-services.factory.js';

/** Where native clients come in. It owns the connections, from the upgrade to the close. */
@WebSocketGateway({ path: '/v1/ws' })
export class SessionGateway implements OnGatewayConnection, BeforeApplicationShutdown {
  private readonly logger = new Logger(SessionGateway.name);
  private readonly connections = new Set<Connection>();

  constructor(private readonly services: GatewayServicesFactory) {}

  handleConnection(client: WebSocket, request: IncomingMessage): void {
    const principal = principalOf(request);
    if (principal === undefined) {
      client.close(CLOSE_CODES.unauthenticated, 'No key was checked for this connection.');
      return;
    }
    const connection = new Connection(
      connectionSocketOf(client, request.socket),
      this.services.bind(principal.name),
      {
        report: (error) => this.logger.error(error),
      },
    );
    this.connections.add(connection);
    client.on('message', (data, isBinary) => connection.receive(isBinary ? undefined : textOf(data)));
    client.on('pong', () => connection.alive());
    // `ws` closes the socket itself: 1009 for an enormous frame, 1007 for bad UTF-8, 1002 for a bad protocol.
    client.on('error', (error) => this.logger.debug(error));
    client.on('close', () => {
      this.connections.delete(connection);
      connection.closed();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.connections].map((connection) => connection.shutdown()));
  }
}

/** A text message is always handed over as one Buffer by default; the other shapes are for completeness of the type. */
function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  return Array.isArray(data) ? Buffer.concat(data).toString('utf8') : Buffer.from(data).toString('utf8');
}
