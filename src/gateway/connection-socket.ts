import type { MessagePart } from './message-parts.js';

/** What a connection needs of a WebSocket; `ws` fits, and so does a test's double. */
export interface ConnectionSocket {
  /** Bytes handed over and not yet taken by the network. */
  readonly bufferedAmount: number;
  /** `sent` is called once the bytes are out, or with the error that stopped them. Never throws when closed. */
  send(part: MessagePart, sent: (error?: Error | null) => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  /** Drops the connection at once. */
  terminate(): void;
}
