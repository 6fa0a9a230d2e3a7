import { DomainError } from '../errors.js';

/** Throws `invalid_request` with the names there are. */
export function requireSandboxProfile(name: string | null | undefined, known: readonly string[]): void {
  if (name === null || name === undefined || known.includes(name)) return;
  throw new DomainError(
    'invalid_request',
    `There is no sandbox profile ${JSON.stringify(name.slice(0, 64))} on this server; it has: ${known.join(', ')}. Leave sandbox_profile out for ${known[0] ?? 'the default'}.`,
    { reason: 'unknown_sandbox_profile', param: 'sandbox_profile' },
  );
}
