import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../gateway/frames.js';
import type { GantryClientError } from './client-error.js';
import { webSocketUrl } from './client-socket.js';
import type { ClientSocket, SocketListener, SocketTarget } from './client-socket.js';
import { errorOfResponse } from './error-response.js';

/** The server pings every 20 s; when it has been silent for longer than two, it is gone. */
const SILENCE_MS = 50_000;
const HANDSHAKE_MS = 15_000;
const MAX_REFUSAL_BYTES = 64 * 1024;

/** With `ws`: the key goes in a header, a refused handshake says why, and a silent server is noticed. */
export function openNodeSocket(target: SocketTarget, listener: SocketListener): ClientSocket {
  const socket = new WebSocket(webSocketUrl(target), [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${target.apiKey}` },
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
    maxPayload: 256 * 1024 * 1024,
  });
  let refusal: GantryClientError | undefined;
  let failure = '';
  const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
  socket.on('unexpected-response', (_request, response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      if (body.length < MAX_REFUSAL_BYTES) body += text;
    });
    response.on('close', () => {
      refusal = errorOfResponse(response.statusCode ?? 0, body);
      socket.terminate();
    });
  });
  socket.on('open', () => listener.onOpen());
  socket.on('ping', () => silence.refresh());
  socket.on('message', (data, isBinary) => {
    silence.refresh();
    if (!isBinary && Buffer.isBuffer(data)) listener.onText(data.toString('utf8'));
  });
  socket.on('error', (error) => {
    failure = error.message;
  });
  socket.on('close', (code, reason) => {
    clearTimeout(silence);
    listener.onClose(code, reason.toString('utf8') || failure, refusal);
  });
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(1000),
  };
}
