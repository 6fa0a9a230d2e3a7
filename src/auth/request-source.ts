import { isIPv4 } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import type { Config } from '../config/config.js';
import { DomainError } from '../errors.js';

/** The part of the configuration that says from where a server may be asked. */
export type SourcePolicy = Pick<Config['http'], 'host' | 'allowedOrigins'>;

/**
 * Undefined when the request may go on. Two attacks end here, before a key is looked at:
 * - a page of another origin, whatever it knows: `Origin` must be the server's own or a listed one;
 * - DNS rebinding, where a page's own name comes to mean 127.0.0.1 and its requests look same-origin:
 *   a server bound to loopback answers to loopback names and to the hosts of listed origins only.
 * A server bound to other addresses may be called by any name; its keys are all that counts there.
 */
export function refuseSource(headers: IncomingHttpHeaders, policy: SourcePolicy): DomainError | undefined {
  const { host, origin } = headers;
  if (isLoopback(policy.host) && !isKnownHost(host, policy)) {
    return new DomainError(
      'forbidden',
      `This server listens on ${policy.host} and does not answer to the host name of this request.`,
      { reason: 'host_not_allowed', param: 'host' },
    );
  }
  if (origin === undefined || isOwnOrigin(origin, host) || policy.allowedOrigins.includes(origin))
    return undefined;
  return new DomainError(
    'forbidden',
    'Requests from pages of this origin are refused. The operator can list it in GANTRY_ALLOWED_ORIGINS.',
    { reason: 'origin_not_allowed', param: 'origin' },
  );
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const parsed = URL.parse(origin);
  return (
    parsed !== null && host !== undefined && /^https?:$/.test(parsed.protocol) && parsed.host === hostOf(host)
  );
}

function isKnownHost(host: string | undefined, policy: SourcePolicy): boolean {
  if (host === undefined) return false;
  const named = hostOf(host);
  if (named === undefined) return false;
  const name = named.replace(/:\d+$/, '');
  return isLoopback(name) || policy.allowedOrigins.some((origin) => URL.parse(origin)?.host === named);
}

/** `Host` as a URL would write it: lower case, without the default port. */
function hostOf(host: string): string | undefined {
  return /[/?#@\\\s]/.test(host) ? undefined : URL.parse(`http://${host}`)?.host;
}

function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}
