import { Client } from 'pg';
import type { Logger } from 'pino';
import { newId } from '../ids.js';
import type { GantryEvent } from './event.js';

const CHANNEL = 'gantry_events';
const CANCEL_CHANNEL = 'gantry_cancel';
const HEARTBEAT_MS = 10_000;

/** A NOTIFY payload holds 8,000 bytes: past this many ids it says "any session" instead. */
const NOTICE_CAPACITY = 150;
const EVERY_SESSION = '*';

/** Past this many waiting events a feed forgets them and reads the log instead: no unbounded queue. */
const FEED_CAPACITY = 512;

/**
 * A subscriber's side of the bus. It says "there may be more" and, when it can, hands over the events
 * themselves; what is missing the reader fetches from the log.
 */
export class EventFeed {
  private events: GantryEvent[] = [];
  private woken = false;
  private wake: (() => void) | undefined;

  push(events: readonly GantryEvent[]): void {
    if (this.events.length + events.length <= FEED_CAPACITY) this.events.push(...events);
    else this.events = [];
    this.signal();
  }

  signal(): void {
    this.woken = true;
    this.wake?.();
  }

  /** Waits for news; empty when only the log knows it, or on abort. */
  async next(signal: AbortSignal): Promise<GantryEvent[]> {
    if (!this.woken && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const onAbort = () => resolve();
      this.wake = resolve;
      signal.addEventListener('abort', onAbort, { once: true });
      await promise;
      signal.removeEventListener('abort', onAbort);
      this.wake = undefined;
    }
    this.woken = false;
    const taken = this.events;
    this.events = [];
    return taken;
  }
}

/**
 * Tells subscribers of committed events: directly inside this process, by NOTIFY from others.
 * A lost LISTEN connection is made anew, and then every feed is told to look at the log.
 */
export class EventBus {
  /** Marks this process's own notifications, which its feeds have had already. */
  readonly origin = newId('work');
  private readonly feeds = new Map<string, Set<EventFeed>>();
  private readonly cancelListeners = new Set<(runId: string) => void>();
  private client: Client | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private reconnect: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly databaseUrl: string,
    private readonly log: Pick<Logger, 'warn' | 'info'>,
  ) {}

  async start(): Promise<void> {
    await this.connect();
    this.heartbeat = setInterval(() => void this.beat(), HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.reconnect);
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
    this.signalAll();
  }

  attach(sessionId: string): EventFeed {
    const feed = new EventFeed();
    const feeds = this.feeds.get(sessionId) ?? new Set();
    feeds.add(feed);
    this.feeds.set(sessionId, feeds);
    return feed;
  }

  detach(sessionId: string, feed: EventFeed): void {
    const feeds = this.feeds.get(sessionId);
    feeds?.delete(feed);
    if (feeds?.size === 0) this.feeds.delete(sessionId);
  }

  /** Subscribers of a session in this process. */
  watchers(sessionId: string): number {
    return this.feeds.get(sessionId)?.size ?? 0;
  }

  /** Only for events that are committed. */
  publish(events: readonly GantryEvent[]): void {
    for (const [sessionId, ofSession] of Map.groupBy(events, (event) => event.session_id)) {
      for (const feed of this.feeds.get(sessionId) ?? []) feed.push(ofSession);
    }
  }

  /** SQL by which a transaction tells the other processes; its parameter is a `notice`. */
  static readonly NOTIFY_SQL = `SELECT pg_notify('${CHANNEL}', $1)`;
  static readonly NOTIFY_CANCEL_SQL = `SELECT pg_notify('${CANCEL_CHANNEL}', $1)`;

  static notice(origin: string, sessionIds: readonly string[]): string {
    return sessionIds.length > NOTICE_CAPACITY
      ? `${origin} ${EVERY_SESSION}`
      : [origin, ...sessionIds].join(' ');
  }

  /** Called with a run's id when any process asks for its cancel. Returns the way to stop listening. */
  onCancel(listener: (runId: string) => void): () => void {
    this.cancelListeners.add(listener);
    return () => this.cancelListeners.delete(listener);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.databaseUrl,
      keepAlive: true,
      application_name: 'gantry-bus',
    });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('the connection ended')));
    client.on('notification', ({ channel, payload }) => this.receive(channel, payload ?? ''));
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}; LISTEN ${CANCEL_CHANNEL}`);
    this.client = client;
    this.signalAll();
  }

  private receive(channel: string, payload: string): void {
    if (channel === CANCEL_CHANNEL) {
      for (const listener of this.cancelListeners) listener(payload);
      return;
    }
    const [origin, ...sessionIds] = payload.split(' ');
    if (origin === this.origin) return;
    if (sessionIds[0] === EVERY_SESSION) this.signalAll();
    for (const sessionId of sessionIds) for (const feed of this.feeds.get(sessionId) ?? []) feed.signal();
  }

  private lost(client: Client, error: Error): void {
    if (this.closed || (this.client !== undefined && this.client !== client)) return;
    if (this.client === client)
      this.log.warn({ err: error }, 'Lost the event connection to the database; reconnecting.');
    this.client = undefined;
    client.removeAllListeners('end');
    client.end().catch(() => undefined);
    this.scheduleReconnect();
  }

  private scheduleReconnect(): void {
    if (this.closed || this.reconnect) return;
    this.reconnect = setTimeout(() => {
      this.reconnect = undefined;
      this.connect().then(
        () => this.log.info('The event connection to the database is back.'),
        () => this.scheduleReconnect(),
      );
    }, 500);
  }

  private async beat(): Promise<void> {
    const client = this.client;
    if (!client) return;
    try {
      await client.query('SELECT 1');
    } catch (error) {
      this.lost(client, error instanceof Error ? error : new Error(String(error)));
    }
  }

  private signalAll(): void {
    for (const feeds of this.feeds.values()) for (const feed of feeds) feed.signal();
  }
}
