import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** IANA's special-purpose IPv4 registry, multicast, and the address that a large cloud answers its machines on. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Of IPv6 only global unicast counts, which leaves out loopback, local, mapped, NAT64 and multicast addresses. */
const GLOBAL_IPV6 = ['2000::/3'];
/** Inside it: protocol assignments with Teredo, documentation, and 6to4, which carries IPv4 addresses. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  return ({ 4: 'ipv4', 6: 'ipv6' } as const)[isIP(address)];
}

/** Undefined when `text` is no network such as `10.1.0.0/16`; a single address counts as one. */
function parseNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? '';
  const family = familyOf(address);
  if (family === undefined || address.includes('%')) return undefined;
  const widest = family === 'ipv4' ? 32 : 128;
  const bits = match?.[2] === undefined ? widest : Number(match[2]);
  return bits <= widest ? { address, bits, family } : undefined;
}

export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const parsed = parseNetwork(network);
    if (parsed === undefined) throw new Error(`${network} is no network`);
    list.addSubnet(parsed.address, parsed.bits, parsed.family);
  }
  return list;
}

const special = listOf([...SPECIAL_IPV4, ...SPECIAL_IPV6]);
const global = listOf(GLOBAL_IPV6);

function isPublic(address: string): boolean {
  const family = familyOf(address);
  if (family === undefined || address.includes('%')) return false;
  return (family === 'ipv4' || global.check(address, 'ipv6')) && !special.check(address, family);
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
}

/**
 * Whether a sandbox may be connected to an address: a public one that is not this machine's own, or one of the
 * networks that whoever runs the server named.
 */
export function createAddressPolicy(privateNetworks: readonly string[]): (address: string) => boolean {
  const named = listOf(privateNetworks);
  return (address) => {
    const family = familyOf(address);
    if (family === undefined) return false;
    return named.check(address, family) || (isPublic(address) && !ownAddresses().includes(address));
  };
}
