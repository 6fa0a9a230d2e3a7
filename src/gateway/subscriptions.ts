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
    } catch (error) {
      this.close(sessionId);
      throw error;
    }
    return { start: () => void this.follow(sessionId, afterSeq, controller.signal) };
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

  private async follow(sessionId: string, afterSeq: number, signal: AbortSignal): Promise<void> {
    this.outbox.begin(sessionId, afterSeq);
    try {
      await this.pump(sessionId, afterSeq, signal);
    } catch (error) {
      if (!signal.aborted) this.listener.onFailed(error);
    }
  }

  private async pump(sessionId: string, afterSeq: number, signal: AbortSignal): Promise<void> {
    let cursor: number | undefined;
    for await (const item of this.services.subscribe(sessionId, afterSeq, signal)) {
      await this.outbox.room();
      if (signal.aborted) return;
      cursor ??= await this.sendSnapshotIfGone(
        sessionId,
        afterSeq,
        item.type === 'live' ? item.seq : item.seq - 1,
      );
      if (signal.aborted) return;
      if (item.type !== 'live' && item.seq <= cursor) continue;
      this.outbox.offer(item);
      if (item.type !== 'live' && item.run_id !== null && isTerminalEvent(item))
        this.listener.onRunEnded(item.run_id);
    }
  }

  /** When the log no longer begins after `afterSeq`, the session as it stands goes first. Returns the seq sent up to. */
  private async sendSnapshotIfGone(sessionId: string, afterSeq: number, goneUpTo: number): Promise<number> {
    if (goneUpTo <= afterSeq) return afterSeq;
    const { seq, session } = await this.services.snapshot(sessionId);
    this.outbox.offer({ type: 'snapshot', session_id: sessionId, seq, session });
    return seq;
  }
}
