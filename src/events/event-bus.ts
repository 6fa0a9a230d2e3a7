import { Client } from 'pg';
import type { Logger } from 'pino';
import { newId } from '../ids.js';
import type { GantryEvent } from './event.js';

const CHANNEL = 'gantry_events';

/** Short messages between processes that are no events. */
const SIGNAL_CHANNELS = {
  cancel_run: 'gantry_cancel',
  forget_session: 'gantry_forget_session',
} as const;

export type Signal = keyof typeof SIGNAL_CHANNELS;
const HEARTBEAT_MS = 10_000;

/** A NOTIFY payload holds 8,000 bytes: past this many ids it says "any session" instead. */
const NOTICE_CAPACITY = 150;
const EVERY_SESSION = '*';

/** So long after a commit whose answer was lost it may still land. */
const DOUBT_MS = 60_000;

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
  private doubtedUntil = 0;
  private hasGap = false;

  push(events: readonly GantryEvent[]): void {
    if (this.events.length + events.length <= FEED_CAPACITY) this.events.push(...events);
    else this.events = [];
    this.signal();
  }

  signal(): void {
    this.woken = true;
    this.wake?.();
  }

  /** Events that its reader had to come may be gone. */
  gap(): void {
    this.hasGap = true;
    this.signal();
  }

  /** Whether that was said since it was asked last. */
  takeGap(): boolean {
    const had = this.hasGap;
    this.hasGap = false;
    return had;
  }

  /** A commit of this process lands without its word, or has: only the database may tell of it. */
  doubt(): void {
    this.doubtedUntil = performance.now() + DOUBT_MS;
    this.signal();
  }

  get isInDoubt(): boolean {
    return performance.now() < this.doubtedUntil;
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
  /** Marks this process's own notifications, which its feeds have had already unless they are in doubt. */
  readonly origin = newId('work');
  private readonly feeds = new Map<string, Set<EventFeed>>();
  private readonly listeners = new Map<string, Set<(message: string) => void>>();
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
    for (const feed of this.allFeeds()) feed.signal();
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

  /** For events whose commit was not answered. */
  doubt(events: readonly GantryEvent[]): void {
    for (const sessionId of new Set(events.map((event) => event.session_id))) {
      for (const feed of this.feeds.get(sessionId) ?? []) feed.doubt();
    }
  }

  /** In place of an origin: events of the session are gone, and every process's readers are to know. */
  static readonly GONE = 'gone';

  /** SQL by which a transaction tells the other processes; its parameter is a `notice`. */
  static readonly NOTIFY_SQL = `SELECT pg_notify('${CHANNEL}', $1)`;

  /** SQL that gives a signal, when its transaction commits; its parameter is the message. */
  static signalSql(signal: Signal): string {
    return `SELECT pg_notify('${SIGNAL_CHANNELS[signal]}', $1)`;
  }

  static notice(origin: string, sessionIds: readonly string[]): string {
    return sessionIds.length > NOTICE_CAPACITY
      ? `${origin} ${EVERY_SESSION}`
      : [origin, ...sessionIds].join(' ');
  }

  /** Called with the message of any process, this one too. Returns the way to stop listening. */
  onSignal(signal: Signal, listener: (message: string) => void): () => void {
    const channel = SIGNAL_CHANNELS[signal];
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
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
    const channels = [CHANNEL, ...Object.values(SIGNAL_CHANNELS)];
    await client.query(channels.map((channel) => `LISTEN ${channel}`).join('; '));
    this.client = client;
    // What was said meanwhile was not heard.
    for (const feed of this.allFeeds()) feed.gap();
  }

  private receive(channel: string, payload: string): void {
    if (channel !== CHANNEL) {
      for (const listener of this.listeners.get(channel) ?? []) listener(payload);
      return;
    }
    const [origin, ...sessionIds] = payload.split(' ');
    const isOwn = origin === this.origin;
    const told = sessionIds[0] === EVERY_SESSION ? this.feeds.keys() : sessionIds;
    for (const sessionId of told) {
      for (const feed of this.feeds.get(sessionId) ?? []) {
        if (origin === EventBus.GONE) feed.gap();
        else if (!isOwn || feed.isInDoubt) feed.signal();
      }
    }
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

  private allFeeds(): EventFeed[] {
    return [...this.feeds.values()].flatMap((feeds) => [...feeds]);
  }
}
