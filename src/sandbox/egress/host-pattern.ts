import { isIP } from 'node:net';
import { canonicalHost, type Target } from './target.js';

/** Hosts that may be reached: one by its name or address, all below a name (`*.example.org`), or all (`*`). */
export interface HostPattern {
  readonly host: string;
  readonly ports: readonly number[];
}

const DEFAULT_PORTS: readonly number[] = [80, 443];

/** `host` or `host:port`; without a port it means 80 and 443. Undefined for what is no pattern. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const match = /^(\*|(?:\*\.)?(?:\[[^\]]*\]|[^:*]+))(?::(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  const host = canonicalPattern(match[1]);
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (host === undefined || port === 0 || (port ?? 0) > 65_535) return undefined;
  return { host, ports: port === undefined ? DEFAULT_PORTS : [port] };
}

function canonicalPattern(text: string): string | undefined {
  if (text === '*') return text;
  if (!text.startsWith('*.')) return canonicalHost(text);
  const below = canonicalHost(text.slice(2));
  return below === undefined || isIP(below) !== 0 ? undefined : `*.${below}`;
}

function coversHost(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*.') && isIP(host) === 0 && host.endsWith(pattern.slice(1));
}

export function allowsTarget(patterns: readonly HostPattern[], { host, port }: Target): boolean {
  return patterns.some((pattern) => pattern.ports.includes(port) && coversHost(pattern.host, host));
}

/** Whether all that `wanted` allows is allowed by `patterns` too. */
export function coversPattern(patterns: readonly HostPattern[], wanted: HostPattern): boolean {
  return wanted.ports.every((port) => allowsTarget(patterns, { host: wanted.host, port }));
}
