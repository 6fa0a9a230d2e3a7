import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { departureOf } from '../../departure.js';
import { forwardRequest, parseAbsoluteForm } from './forward-request.js';
import type { Gate, Refusal } from './gate.js';
import { relayBothWays } from './relay.js';
import { parseAuthority } from './target.js';

const MAX_HEADER_BYTES = 16 * 1024;

const NOT_A_PROXY_REQUEST: Refusal = {
  type: 'refused',
  status: 400,
  text: 'This is an HTTP proxy: it takes CONNECT host:port, and requests for absolute http:// URLs.',
};

/**
 * An HTTP proxy for the connections of one sandbox; it listens nowhere. `CONNECT` makes a tunnel, a request with
 * an absolute URL is sent on, and nothing else is served. One request a connection: each is decided anew.
 */
export class Proxy {
  readonly #server: Server;
  readonly #heads = new Map<Duplex, NodeJS.Timeout>();

  /** A connection must have sent its whole head `headTimeoutMs` after it was opened. */
  constructor(
    private readonly gate: Gate,
    private readonly headTimeoutMs: number,
  ) {
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false });
    this.#server.on('connect', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
      void this.#connect(request, connection, head);
    });
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#request(request, response);
    });
    this.#server.on('clientError', (error: Error & { code?: string }, connection: Duplex) => {
      this.#notHttp(error, connection);
    });
  }

  /** Takes the connection over to its end. */
  serve(connection: Duplex): void {
    const overdue = setTimeout(() => connection.destroy(), this.headTimeoutMs);
    this.#heads.set(connection, overdue);
    connection.once('close', () => {
      clearTimeout(overdue);
      this.#heads.delete(connection);
    });
    this.#server.emit('connection', connection);
  }

  async #connect(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    if (!this.#takeHead(connection)) return;
    const target = parseAuthority(request.url ?? '');
    if (target === undefined) {
      this.gate.malformed();
      refuse(connection, NOT_A_PROXY_REQUEST);
      return;
    }
    const passage = await this.gate.pass(target, departureOf(connection));
    if (passage.type === 'refused') {
      refuse(connection, passage);
      return;
    }
    try {
      if (head.length > 0) connection.unshift(head);
      connection.write('HTTP/1.1 200 Connection established\r\n\r\n');
      await relayBothWays(connection, passage.outer, passage.counts);
    } catch {
      // One side broke off, and both are ended.
    } finally {
      passage.over();
    }
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection: Duplex = request.socket;
    if (!this.#takeHead(connection)) return;
    const forwarded = parseAbsoluteForm(request.url ?? '');
    if (forwarded === undefined || !hasPlainBody(request)) {
      this.gate.malformed();
      refuseRequest(response, NOT_A_PROXY_REQUEST);
      return;
    }
    const passage = await this.gate.pass(forwarded.target, departureOf(connection));
    if (passage.type === 'refused') {
      refuseRequest(response, passage);
      return;
    }
    try {
      await forwardRequest(forwarded, request, response, passage, MAX_HEADER_BYTES);
    } catch {
      // One side broke off, and both are ended.
    } finally {
      passage.over();
    }
  }

  /** False for a second request on one connection, which is then ended. */
  #takeHead(connection: Duplex): boolean {
    const overdue = this.#heads.get(connection);
    if (overdue === undefined) {
      connection.destroy();
      return false;
    }
    clearTimeout(overdue);
    this.#heads.delete(connection);
    return true;
  }

  #notHttp(error: Error & { code?: string }, connection: Duplex): void {
    if (connection.destroyed || connection.writableEnded) return;
    if (!this.#heads.has(connection)) {
      // In the middle of a body there is nobody left to tell.
      connection.destroy();
      return;
    }
    this.gate.malformed();
    connection.removeAllListeners('data');
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    answer(connection, status, `The request cannot be understood (${error.code ?? error.message}).`);
  }
}

/** Codings other than `chunked` would have to be understood on both sides alike. */
function hasPlainBody(request: IncomingMessage): boolean {
  const coding = request.headers['transfer-encoding'];
  return coding === undefined || coding.toLowerCase() === 'chunked';
}

function refuse(connection: Duplex, { status, text }: Refusal): void {
  answer(connection, status, text);
}

function answer(connection: Duplex, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  connection.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
          `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      body,
    ]),
  );
  // What else it sends is read and dropped, or it would not get as far as reading the answer.
  connection.resume();
}

function refuseRequest(response: ServerResponse, { status, text }: Refusal): void {
  response.req.resume();
  response
    .writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' })
    .end(`${text}\n`);
}
