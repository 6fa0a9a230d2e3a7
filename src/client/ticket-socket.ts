import { z } from 'zod';
import { TICKET_SUBPROTOCOL_PREFIX } from '../auth/ticket-subprotocol.js';
import { SUBPROTOCOL } from '../gateway/frames.js';
import { GantryClientError } from './client-error.js';
import { webSocketUrl } from './client-socket.js';
import type { ClientSocket, SocketListener, SocketTarget } from './client-socket.js';
import { errorOfResponse } from './error-response.js';

const ticketSchema = z.object({ ticket: z.string() });
const ABNORMAL = 1006;

/** With the platform's own WebSocket, which cannot send headers: the key is swapped for a ticket first. */
export function openTicketSocket(target: SocketTarget, listener: SocketListener): ClientSocket {
  let socket: WebSocket | undefined;
  let isClosed = false;
  const connect = async (): Promise<void> => {
    const ticket = await fetchTicket(target);
    if (isClosed) {
      listener.onClose(ABNORMAL, 'closed');
      return;
    }
    socket = new WebSocket(webSocketUrl(target), [SUBPROTOCOL, `${TICKET_SUBPROTOCOL_PREFIX}${ticket}`]);
    socket.addEventListener('open', () => listener.onOpen());
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') listener.onText(data);
    });
    socket.addEventListener('close', ({ code, reason }) => listener.onClose(code, reason));
  };
  connect().catch((error: unknown) => {
    const isRefusal = error instanceof GantryClientError && error.status !== undefined;
    const reason = error instanceof Error ? error.message : String(error);
    listener.onClose(ABNORMAL, reason, isRefusal ? error : undefined);
  });
  return {
    send: (text) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => {
      isClosed = true;
      socket?.close(1000);
    },
  };
}

async function fetchTicket({ baseUrl, apiKey }: SocketTarget): Promise<string> {
  const response = await fetch(`${baseUrl}/v1/ws/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const body = await response.text();
  if (!response.ok) throw errorOfResponse(response.status, body);
  return ticketSchema.parse(JSON.parse(body)).ticket;
}
