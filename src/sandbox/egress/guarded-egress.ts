import type { SandboxSpec } from '../sandbox.js';
import { createAddressPolicy } from './address-policy.js';
import { connectTo, type Connect } from './connect.js';
import type { Egress, EgressLog, SandboxNetwork } from './egress.js';
import { egressEnvironment } from './environment.js';
import { GuardedNetwork } from './guarded-network.js';
import { parseHostPattern, type HostPattern } from './host-pattern.js';
import { lookUpHost, type LookUp } from './look-up.js';

const MAX_SANDBOX_BYTES = 2 ** 30;
const DIAL_TIMEOUT_MS = 10_000;
const HEAD_TIMEOUT_MS = 10_000;

export interface EgressSettings {
  /** What sessions may ask for at most; nothing: no sandbox reaches anything. */
  readonly hosts: readonly string[];
  /** Networks that may be reached although they are private, such as `10.1.0.0/16`. */
  readonly privateNetworks: readonly string[];
  /** A package index that pip uses instead of its own. */
  readonly packageIndex: string | undefined;
}

/** How names are looked up and addresses connected to; tests bring their own. */
export interface EgressReach {
  readonly lookUp: LookUp;
  readonly connect: Connect;
}

function toPatterns(texts: readonly string[]): readonly HostPattern[] {
  return texts.flatMap((text) => parseHostPattern(text) ?? []);
}

export class GuardedEgress implements Egress {
  readonly #ceiling: readonly HostPattern[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #isAllowedAddress: (address: string) => boolean;

  constructor(
    settings: EgressSettings,
    private readonly log: EgressLog,
    private readonly reach: EgressReach = { lookUp: lookUpHost, connect: connectTo },
  ) {
    this.#ceiling = toPatterns(settings.hosts);
    this.#environment = egressEnvironment(settings.packageIndex);
    this.#isAllowedAddress = createAddressPolicy(settings.privateNetworks);
  }

  networkFor({ sessionId, runId, egress = [] }: SandboxSpec): SandboxNetwork | undefined {
    const allowed = toPatterns(egress);
    if (allowed.length === 0 || this.#ceiling.length === 0) return undefined;
    return new GuardedNetwork({
      sessionId,
      runId,
      allowed,
      ceiling: this.#ceiling,
      environment: this.#environment,
      dialling: { ...this.reach, isAllowedAddress: this.#isAllowedAddress, timeoutMs: DIAL_TIMEOUT_MS },
      maxBytes: MAX_SANDBOX_BYTES,
      headTimeoutMs: HEAD_TIMEOUT_MS,
      log: this.log,
    });
  }
}
