import type { GantryClientError } from './client-error.js';

/** One connection. Sending on a closed one does nothing. */
export interface ClientSocket {
  send(text: string): void;
  close(): void;
}

export interface SocketTarget {
  /** `http://` or `https://`, without a path at the end. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

export interface SocketListener {
  onOpen(): void;
  onText(text: string): void;
  /** Once, also when it never opened. `refusal`: the server said why, before the upgrade. */
  onClose(code: number, reason: string, refusal?: GantryClientError): void;
}

/** How a connection is made; `openTicketSocket` works everywhere, `openNodeSocket` in Node with `ws`. */
export type OpenSocket = (target: SocketTarget, listener: SocketListener) => ClientSocket;

export function webSocketUrl({ baseUrl }: SocketTarget): string {
  return `${baseUrl.replace(/^http/, 'ws')}/v1/ws`;
}
