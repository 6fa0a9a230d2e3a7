/** A browser cannot set headers on a WebSocket, so its ticket travels as a second subprotocol. */
export const TICKET_SUBPROTOCOL_PREFIX = 'gantry.ticket.';
