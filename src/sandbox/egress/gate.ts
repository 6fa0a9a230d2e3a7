import type { Duplex } from 'node:stream';
import type { Count } from './relay.js';
import type { Target } from './target.js';

/** Why a connection is not made, in words for whoever wrote the code that asked. */
export interface Refusal {
  readonly type: 'refused';
  readonly status: 400 | 403 | 429 | 502;
  readonly text: string;
}

/** A connection that may be used. Whoever got it calls `over` once, in the end. */
export interface Passage {
  readonly type: 'open';
  readonly outer: Duplex;
  readonly counts: { readonly sent: Count; readonly received: Count };
  over(): void;
}

/** Decides about each connection that code in a sandbox asks for. Neither method rejects or throws. */
export interface Gate {
  pass(target: Target, signal: AbortSignal): Promise<Passage | Refusal>;
  /** Something that is no request, or not one that is served. */
  malformed(): void;
}
