import type { LiveMarker } from '../events/event-log.js';
import type { GantryEvent } from '../events/event.js';
import { DomainError } from '../errors.js';
import type { ConnectionSocket } from './connection-socket.js';
import type { GatewayServices } from './gateway-services.js';
import { type MessagePart, partsJoiner } from './message-parts.js';

/** A socket whose network is the test: it takes bytes only when `take` or `drain` says so, if `stalled`. */
export class ScriptedSocket implements ConnectionSocket {
  bufferedAmount = 0;
  stalled = false;
  pings = 0;
  terminated = false;
  closedWith: { code: number; reason: string } | undefined;
  private readonly messages: string[] = [];
  private readonly join = partsJoiner();
  private readonly untaken: { bytesLeft: number; readonly sent: () => void }[] = [];

  send(part: MessagePart, sent: () => void): void {
    const message = this.join(part);
    if (message !== undefined) this.messages.push(message);
    if (!this.stalled) {
      queueMicrotask(sent);
      return;
    }
    const bytes = Buffer.byteLength(part.data);
    this.bufferedAmount += bytes;
    this.untaken.push({
      bytesLeft: bytes,
      sent: () => {
        this.bufferedAmount -= bytes;
        sent();
      },
    });
  }

  /** The network takes so many bytes. As of a real one, only whole parts are told. */
  take(bytes: number): void {
    for (let left = bytes; left > 0;) {
      const [oldest] = this.untaken;
      if (oldest === undefined) return;
      const taken = Math.min(left, oldest.bytesLeft);
      left -= taken;
      oldest.bytesLeft -= taken;
      if (oldest.bytesLeft === 0) this.untaken.shift()?.sent();
    }
  }

  /** The network takes the oldest `count` parts. */
  drain(count = Infinity): void {
    for (let taken = 0; taken < count && this.untaken.length > 0; taken += 1)
      this.take(this.untaken[0]?.bytesLeft ?? 0);
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
  }

  terminate(): void {
    this.terminated = true;
  }

  /** Every whole message sent so far, parsed. */
  get frames(): Record<string, unknown>[] {
    return this.messages.map((text) => JSON.parse(text) as Record<string, unknown>);
  }
}

/** One session's log in memory, with the promises of the real one: replay, `live`, then follow. */
export class ScriptedLog {
  readonly events: GantryEvent[] = [];
  private goneUpTo = 0;
  subscriberCount = 0;
  private wakers: (() => void)[] = [];

  constructor(readonly sessionId: string) {}

  get lastSeq(): number {
    return this.events.at(-1)?.seq ?? this.goneUpTo;
  }

  /** As when the session is replaced: its events are gone, and seqs go on after `lastSeq`. */
  clear(lastSeq = this.lastSeq): void {
    this.goneUpTo = lastSeq;
    this.events.length = 0;
  }

  append(...events: readonly GantryEvent[]): void {
    this.events.push(...events);
    const woken = this.wakers;
    this.wakers = [];
    for (const wake of woken) wake();
  }

  async *subscribe(afterSeq: number, signal: AbortSignal): AsyncGenerator<GantryEvent | LiveMarker> {
    this.subscriberCount += 1;
    try {
      yield* this.follow(afterSeq, signal);
    } finally {
      this.subscriberCount -= 1;
    }
  }

  private async *follow(afterSeq: number, signal: AbortSignal): AsyncGenerator<GantryEvent | LiveMarker> {
    let cursor = afterSeq;
    let live = false;
    while (!signal.aborted) {
      const next = this.events.find((event) => event.seq > cursor);
      if (next !== undefined) {
        cursor = next.seq;
        yield next;
      } else if (!live) {
        live = true;
        yield { type: 'live', session_id: this.sessionId, seq: cursor };
      } else
        await new Promise<void>((resolve) => {
          this.wakers.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
    }
  }
}

/** Services that know the given logs; whatever a test does not override is refused. */
export function scriptedServices(
  logs: readonly ScriptedLog[],
  overrides: Partial<GatewayServices> = {},
): GatewayServices {
  const find = (sessionId: string): ScriptedLog => {
    const log = logs.find((candidate) => candidate.sessionId === sessionId);
    if (log === undefined)
      throw new DomainError('not_found', `There is no session ${sessionId}.`, {
        reason: 'session_not_found',
        param: 'session_id',
      });
    return log;
  };
  const refuse = () => Promise.reject(new Error('This script has no answer to that.'));
  return {
    createSession: refuse,
    lastSeq: async (sessionId) => find(sessionId).lastSeq,
    snapshot: async (sessionId) => ({ seq: find(sessionId).lastSeq, session: { id: sessionId } }),
    subscribe: (sessionId, afterSeq, signal) => find(sessionId).subscribe(afterSeq, signal),
    createRun: refuse,
    invokeTool: refuse,
    cancel: async () => ({ cancelled: [] }),
    steer: refuse,
    submitToolResult: refuse,
    decide: refuse,
    ...overrides,
  };
}

export function chunkEvent(seq: number, offset: number, text: string, sessionId = 'sess_1'): GantryEvent {
  return {
    type: 'chunk',
    seq,
    session_id: sessionId,
    run_id: 'run_1',
    ts: seq,
    round: 0,
    attempt: 0,
    offset,
    choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
  };
}
