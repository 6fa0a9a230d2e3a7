import { bridgeGaps } from '../events/bridge-gaps.js';
import { isTerminalEvent } from '../events/event.js';
import { DomainError } from '../errors.js';
import type { GatewayServices } from './gateway-services.js';
import type { Outbox } from './outbox.js';

const MAX_SUBSCRIPTIONS = 256;

export interface SubscriptionListener {
  onRunEnded(runId: string): void;
  /** The subscription broke; the client would otherwise wait in silence. */
  onFailed(error: unknown): void;
}

/** Where a subscription begins: the reader's last seq, and the session's. */
interface Place {
  readonly sessionId: string;
  readonly afterSeq: number;
  readonly lastSeq: number;
}

/** Which sessions one connection follows. Each is pumped from the log into the outbox at the pace of the reader. */
export class Subscriptions {
  private readonly followed = new Map<string, AbortController>();

  constructor(
    private readonly services: Pick<GatewayServices, 'lastSeq' | 'subscribe' | 'snapshot'>,
    private readonly outbox: Outbox,
    private readonly listener: SubscriptionListener,
  ) {}

  /** Resolves when the session may be followed; `start` then sends. Two steps, so that the ack goes between them. */
  async open(sessionId: string, afterSeq: number): Promise<{ start: () => void }> {
    if (this.followed.has(sessionId))
      throw new DomainError('conflict', 'This connection follows the session already: unsubscribe first.', {
        reason: 'already_subscribed',
        param: 'session_id',
      });
    if (this.followed.size >= MAX_SUBSCRIPTIONS)
      throw new DomainError('rate_limited', `A connection follows at most ${MAX_SUBSCRIPTIONS} sessions.`, {
        reason: 'too_many_subscriptions',
      });
    const controller = new AbortController();
    this.followed.set(sessionId, controller);
    try {
      const lastSeq = await this.services.lastSeq(sessionId);
      if (afterSeq > lastSeq)
        throw new DomainError('invalid_request', `The session's last seq is ${lastSeq}.`, {
          reason: 'after_seq_ahead',
          param: 'after_seq',
        });
      return { start: () => void this.follow({ sessionId, afterSeq, lastSeq }, controller.signal) };
    } catch (error) {
      this.close(sessionId);
      throw error;
    }
  }

  close(sessionId: string): void {
    this.followed.get(sessionId)?.abort();
    this.followed.delete(sessionId);
    this.outbox.drop(sessionId);
  }

  closeAll(): void {
    for (const controller of this.followed.values()) controller.abort();
    this.followed.clear();
  }

  private async follow(place: Place, signal: AbortSignal): Promise<void> {
    this.outbox.follow(place.sessionId, place.afterSeq);
    try {
      await this.pump(place, signal);
    } catch (error) {
      if (!signal.aborted) this.listener.onFailed(error);
    }
  }

  private async pump(place: Place, signal: AbortSignal): Promise<void> {
    const { sessionId, afterSeq } = place;
    const items = this.services.subscribe(sessionId, afterSeq, signal);
    const whole = bridgeGaps({ ...place, items }, () => this.services.snapshot(sessionId));
    for await (const item of whole) {
      await this.outbox.room();
      if (signal.aborted) return;
      this.outbox.offer(item);
      if (item.type === 'live' || item.type === 'snapshot') continue;
      if (item.run_id !== null && isTerminalEvent(item)) this.listener.onRunEnded(item.run_id);
    }
  }
}
