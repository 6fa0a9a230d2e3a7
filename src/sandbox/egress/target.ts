/** What a connection is asked for: a name or an address, in its one spelling, and a port. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

const MAX_HOST_LENGTH = 253;

/**
 * The one spelling of a host: lower case, ASCII (IDNA), no trailing dot, no brackets, and addresses such as
 * `0x7f.1` or `2130706433` as what they are. Undefined for anything that is no host.
 */
export function canonicalHost(text: string): string | undefined {
  if (!/^(?:\[[0-9a-f:.]+\]|[^\s/@?#\\%:[\]]+)$/i.test(text)) return undefined;
  const url = URL.parse(`http://${text}/`);
  if (url === null) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const wellFormed = host !== '' && host.length <= MAX_HOST_LENGTH && !/^\.|\.\.|\.$/.test(host);
  return wellFormed ? host : undefined;
}

/** `host:port` or, where a port is implied, `host`. */
export function parseAuthority(text: string, impliedPort?: number): Target | undefined {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text);
  const host = canonicalHost(match?.[1] ?? '');
  const port = match?.[2] === undefined ? impliedPort : Number(match[2]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

export function describeTarget({ host, port }: Target): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
