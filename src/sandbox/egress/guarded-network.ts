import type { Duplex } from 'node:stream';
import { dial, type DialOutcome, type DialParts } from './dial.js';
import type { EgressEntry, EgressLog, SandboxNetwork } from './egress.js';
import type { Gate, Passage, Refusal } from './gate.js';
import { allowsTarget, type HostPattern } from './host-pattern.js';
import { Proxy } from './proxy.js';
import { describeTarget, type Target } from './target.js';

/** Connections of one call that are logged one by one; the rest is counted. */
const MAX_ENTRIES = 256;
const MAX_REFUSED = 64;

export interface GuardedNetworkParts {
  readonly sessionId: string;
  readonly runId: string;
  /** A host must be on both: what the session asked for, and what the server allows at most. */
  readonly allowed: readonly HostPattern[];
  readonly ceiling: readonly HostPattern[];
  readonly environment: Readonly<Record<string, string>>;
  readonly dialling: DialParts;
  /** Bytes that may be carried in both directions together as long as the sandbox lives. */
  readonly maxBytes: number;
  readonly headTimeoutMs: number;
  readonly log: EgressLog;
}

type Facts = Pick<EgressEntry, 'host' | 'port' | 'outcome'> & Partial<EgressEntry>;

/** A sandbox's network: decides about each connection, dials what it allowed, and keeps count. */
export class GuardedNetwork implements SandboxNetwork, Gate {
  readonly environment: Readonly<Record<string, string>>;
  readonly #proxy: Proxy;
  readonly #refused = new Set<string>();
  #runId: string;
  #bytes = 0;
  #entries = 0;

  constructor(private readonly parts: GuardedNetworkParts) {
    this.environment = parts.environment;
    this.#runId = parts.runId;
    this.#proxy = new Proxy(this, parts.headTimeoutMs);
  }

  serve(connection: Duplex): void {
    this.#proxy.serve(connection);
  }

  attributeTo(runId: string): void {
    this.#runId = runId;
  }

  takeRefused(): readonly string[] {
    const refused = [...this.#refused];
    this.#refused.clear();
    const unlisted = this.#entries - MAX_ENTRIES;
    if (unlisted > 0) this.parts.log.unlisted(this.parts.sessionId, this.#runId, unlisted);
    this.#entries = 0;
    return refused;
  }

  async pass(target: Target, signal: AbortSignal): Promise<Passage | Refusal> {
    if (!allowsTarget(this.parts.allowed, target) || !allowsTarget(this.parts.ceiling, target)) {
      this.#refuse(target);
      this.#enter({ ...target, outcome: 'not_allowed' });
      return refusal(403, this.#explain(target));
    }
    if (this.#bytes >= this.parts.maxBytes) {
      this.#enter({ ...target, outcome: 'over_quota' });
      return refusal(
        429,
        `This sandbox has used the ${this.parts.maxBytes} bytes of network that it may use.`,
      );
    }
    const outcome = await dial(this.parts.dialling, target, signal);
    if (outcome.type === 'connected') return this.#passage(target, outcome);
    const { type, ...details } = outcome;
    this.#enter({ ...target, outcome: type, ...details });
    return this.#failure(target, type);
  }

  malformed(): void {
    this.#enter({ host: '', port: 0, outcome: 'malformed' });
  }

  #passage(target: Target, { connection, address }: Extract<DialOutcome, { type: 'connected' }>): Passage {
    const run = this.#runId;
    const carried = { sent: 0, received: 0 };
    const count = (way: keyof typeof carried) => (bytes: number) => {
      carried[way] += bytes;
      this.#bytes += bytes;
      if (this.#bytes > this.parts.maxBytes) throw new Error('the network of this sandbox is used up');
    };
    // Whoever relays learns of an error from its reads and writes.
    connection.on('error', () => undefined);
    return {
      type: 'open',
      outer: connection,
      counts: { sent: count('sent'), received: count('received') },
      over: () => {
        connection.destroy();
        const outcome = this.#bytes > this.parts.maxBytes ? 'over_quota' : 'carried';
        this.#enter({ run, ...target, ...carried, address, outcome });
      },
    };
  }

  #failure(target: Target, type: 'private_address' | 'unresolved' | 'unreachable'): Refusal {
    const name = describeTarget(target);
    switch (type) {
      case 'private_address':
        this.#refuse(target);
        return refusal(
          403,
          `${name} is at a private, local or reserved address, which sandboxes may not reach. ` +
            'Only the server can allow it: GANTRY_SANDBOX_PRIVATE_NETWORKS.',
        );
      case 'unresolved':
        return refusal(502, `${name} was not found.`);
      case 'unreachable':
        return refusal(502, `${name} could not be connected to.`);
      default:
        return type satisfies never;
    }
  }

  #explain(target: Target): string {
    const byServer = allowsTarget(this.parts.ceiling, target)
      ? ''
      : " This server's GANTRY_SANDBOX_EGRESS would have to allow it first.";
    return (
      `${describeTarget(target)} is not among the hosts that this session may reach. ` +
      `A person can name it in "egress" when the session is made.${byServer}`
    );
  }

  #refuse(target: Target): void {
    if (this.#refused.size < MAX_REFUSED) this.#refused.add(describeTarget(target));
  }

  #enter(facts: Facts): void {
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES) return;
    this.parts.log.entry({ session: this.parts.sessionId, run: this.#runId, sent: 0, received: 0, ...facts });
  }
}

function refusal(status: Refusal['status'], text: string): Refusal {
  return { type: 'refused', status, text };
}
