import { isNetwork } from '../sandbox/egress/address-policy.js';
import { parseHostPattern } from '../sandbox/egress/host-pattern.js';

export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** What any session may reach at most. */
export function egressHosts(text: string): readonly string[] {
  return text === 'off' ? [] : listOf(text);
}

export function areHosts(text: string): boolean {
  return egressHosts(text).every((host) => parseHostPattern(host) !== undefined);
}

export function areNetworks(text: string): boolean {
  return listOf(text).every(isNetwork);
}
