import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { credentialOf } from '../auth/authenticator.js';
import type { Principal } from '../auth/principal.js';
import { refuseSource } from '../auth/request-source.js';
import type { SourcePolicy } from '../auth/request-source.js';
import { DomainError } from '../errors.js';
import { SUBPROTOCOL } from './frames.js';
import { refusalOf } from './refuse-upgrade.js';
import type { UpgradeRefusal } from './refuse-upgrade.js';

/** How long the database may take to know a key. */
const AUTHENTICATION_MS = 10_000;

export interface HandshakePolicy {
  readonly source: SourcePolicy;
  authenticate(headers: IncomingHttpHeaders): Promise<Principal | undefined>;
}

export type HandshakeOutcome =
  | { readonly admitted: true; readonly principal: Principal }
  | { readonly admitted: false; readonly refusal: UpgradeRefusal };

/**
 * Everything that can be wrong is said before the upgrade, with an HTTP status. The credential is looked
 * at last, so that a request which fails anyway does not use up its ticket. Never rejects.
 */
export async function shakeHands(
  request: Pick<IncomingMessage, 'method' | 'headers'>,
  policy: HandshakePolicy,
): Promise<HandshakeOutcome> {
  const { headers } = request;
  if (
    request.method !== 'GET' ||
    headers.upgrade?.toLowerCase() !== 'websocket' ||
    headers['sec-websocket-version'] !== '13'
  )
    return { admitted: false, refusal: upgradeRequired() };
  const refusedSource = refuseSource(headers, policy.source);
  if (refusedSource !== undefined) return { admitted: false, refusal: refusalOf(refusedSource) };
  if (!offeredProtocols(headers).includes(SUBPROTOCOL))
    return { admitted: false, refusal: refusalOf(missingSubprotocol()) };
  try {
    const principal = await inTime(policy.authenticate(headers));
    return principal === undefined
      ? { admitted: false, refusal: refusalOf(unauthenticated(headers)) }
      : { admitted: true, principal };
  } catch (error) {
    return { admitted: false, refusal: refusalOf(error) };
  }
}

/** 426: what asked is no WebSocket client of a version that is spoken here. Also for plain requests to the path. */
export function upgradeRequired(): UpgradeRefusal {
  const message = `This is a WebSocket: connect with version 13 and the subprotocol ${SUBPROTOCOL}.`;
  const error = { type: 'invalid_request_error', code: 'upgrade_required', message, param: null };
  return {
    status: 426,
    headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
    body: JSON.stringify({ error }),
  };
}

function offeredProtocols(headers: IncomingHttpHeaders): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
}

function missingSubprotocol(): DomainError {
  return new DomainError('invalid_request', `Ask for the subprotocol ${SUBPROTOCOL}.`, {
    reason: 'subprotocol_required',
    param: 'sec-websocket-protocol',
  });
}

function unauthenticated(headers: IncomingHttpHeaders): DomainError {
  switch (credentialOf(headers)?.type) {
    case 'api_key':
      return new DomainError('unauthenticated', 'The API key is unknown or revoked.', {
        reason: 'invalid_api_key',
      });
    case 'ticket':
      return new DomainError('unauthenticated', 'The ticket is unknown, used or older than 30 s.', {
        reason: 'invalid_ticket',
      });
    default:
      return new DomainError(
        'unauthenticated',
        'An API key is needed: `Authorization: Bearer <key>`, `x-api-key: <key>`, or a ticket from POST /v1/ws/tickets as the subprotocol `gantry.ticket.<ticket>`.',
        { reason: 'missing_api_key' },
      );
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DomainError('unavailable', 'The key cannot be checked at the moment.')),
      AUTHENTICATION_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
