import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { toWireError } from '../api/wire-error.js';

export interface UpgradeRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Any failed handshake as an HTTP response with the same error body that HTTP routes give. */
export function refusalOf(error: unknown, headers: Readonly<Record<string, string>> = {}): UpgradeRefusal {
  const failure = toWireError(error);
  return {
    status: failure.status,
    headers: { ...failure.headers, ...headers },
    body: JSON.stringify({ error: failure.body }),
  };
}

/** Answers instead of upgrading and ends the connection. */
export function refuseUpgrade(socket: Duplex, { status, headers, body }: UpgradeRefusal): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = Object.entries({
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
