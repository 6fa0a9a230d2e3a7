import type { Duplex } from 'node:stream';
import type { SandboxSpec } from '../sandbox.js';

/** What became of one connection, for the log. Bytes are those of the connection itself, heads left out. */
export interface EgressEntry {
  readonly session: string;
  readonly run: string;
  readonly host: string;
  readonly port: number;
  readonly sent: number;
  readonly received: number;
  readonly outcome:
    'carried' | 'not_allowed' | 'private_address' | 'unresolved' | 'unreachable' | 'over_quota' | 'malformed';
  /** The address that was dialled, or that was refused. */
  readonly address?: string;
  readonly reason?: string;
}

export interface EgressLog {
  entry(entry: EgressEntry): void;
  /** So many more connections were made or refused than are listed one by one. */
  unlisted(session: string, run: string, count: number): void;
}

/** The network of one sandbox, as long as it lives: an HTTP proxy that asks about every connection. */
export interface SandboxNetwork {
  /** What programs inside are told. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes over a connection that code inside opened to the proxy. Never throws. */
  serve(connection: Duplex): void;
  /** What happens from now on happens in this run. */
  attributeTo(runId: string): void;
  /** `host:port` of what was refused since the last time. */
  takeRefused(): readonly string[];
}

/** Gives sandboxes what their sessions may have of the network. */
export interface Egress {
  /** Undefined where the session may reach nothing. */
  networkFor(spec: SandboxSpec): SandboxNetwork | undefined;
}
