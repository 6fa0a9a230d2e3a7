import { DomainError } from '../../errors.js';
import { coversPattern, parseHostPattern } from './host-pattern.js';

function isCovered(host: string, ceiling: readonly string[]): boolean {
  const wanted = parseHostPattern(host);
  const patterns = ceiling.flatMap((text) => parseHostPattern(text) ?? []);
  return wanted !== undefined && coversPattern(patterns, wanted);
}

/** Throws `invalid_request` for what is no host pattern, and for what this server does not allow. */
export function requireSessionHosts(hosts: readonly string[], ceiling: readonly string[]): void {
  for (const host of hosts) {
    const shown = JSON.stringify(host.toWellFormed());
    if (parseHostPattern(host) === undefined) {
      throw new DomainError(
        'invalid_request',
        `${shown} is no host: write example.org, *.example.org or example.org:8443, without a scheme or a path.`,
        { reason: 'invalid_host_pattern', param: 'egress' },
      );
    }
    if (isCovered(host, ceiling)) continue;
    const allowed =
      ceiling.length === 0
        ? 'allows sandboxes no network. GANTRY_SANDBOX_EGRESS turns it on'
        : `does not allow sandboxes to reach ${shown}. GANTRY_SANDBOX_EGRESS allows: ${ceiling.join(', ')}`;
    throw new DomainError('invalid_request', `This server ${allowed}.`, {
      reason: 'egress_not_allowed',
      param: 'egress',
    });
  }
}

/** What of a session's list still holds: the server may allow less than when the session was made. */
export function allowedSessionHosts(hosts: readonly string[], ceiling: readonly string[]): readonly string[] {
  return hosts.filter((host) => isCovered(host, ceiling));
}
