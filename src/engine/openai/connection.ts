import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../engine-error.js';
import type { UpstreamServer } from './discovery.js';

export type ConnectionState =
  | { readonly type: 'connecting'; readonly failure: EngineError | undefined }
  | { readonly type: 'connected'; readonly server: UpstreamServer }
  | { readonly type: 'closed' };

/** The longest pause between two tries, in first ones. */
const LONGEST_PAUSE = 16;

/**
 * Knows the server, or tries to: at once, again and again while the failure may pass, and whenever somebody
 * needs it. So it does not matter which of the two was started first, or that the other is restarted.
 */
export class Connection {
  private current: ConnectionState = { type: 'connecting', failure: undefined };
  private attempt: Promise<UpstreamServer> | undefined;
  private readonly closing = new AbortController();

  constructor(
    /** Rejects with an EngineError unless aborted. */
    private readonly find: (signal: AbortSignal) => Promise<UpstreamServer>,
    private readonly retryMs: number,
    private readonly onChange: () => void,
  ) {
    void this.keepTrying();
  }

  get state(): ConnectionState {
    return this.current;
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.closing.signal;
  }

  ready(): Promise<UpstreamServer> {
    switch (this.current.type) {
      case 'connected':
        return Promise.resolve(this.current.server);
      case 'closed':
        return Promise.reject(engineClosed());
      case 'connecting':
        this.attempt ??= this.tryOnce();
        return this.attempt;
      default:
        return this.current satisfies never;
    }
  }

  /** It did not answer: what comes back may be another server. */
  lost(failure: EngineError): void {
    if (this.current.type !== 'connected') return;
    this.enter({ type: 'connecting', failure });
    void this.keepTrying();
  }

  close(): void {
    this.enter({ type: 'closed' });
    this.closing.abort(engineClosed());
  }

  private async tryOnce(): Promise<UpstreamServer> {
    try {
      const server = await this.find(this.closing.signal);
      this.closing.signal.throwIfAborted();
      this.enter({ type: 'connected', server });
      return server;
    } catch (error) {
      if (this.closing.signal.aborted) throw engineClosed();
      this.enter({ type: 'connecting', failure: error as EngineError });
      throw error;
    } finally {
      this.attempt = undefined;
    }
  }

  private async keepTrying(): Promise<void> {
    for (let pause = 1; this.current.type === 'connecting'; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const error: unknown = await this.ready().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof EngineError) || !error.retryable) return;
      const options = { ref: false, signal: this.closing.signal };
      await delay(pause * this.retryMs, undefined, options).catch(() => undefined);
    }
  }

  private enter(state: ConnectionState): void {
    this.current = state;
    this.onChange();
  }
}

function engineClosed(): EngineError {
  return new EngineError('cancelled', 'The engine is closed.');
}
