import type { DataSource, EntityManager } from 'typeorm';
import { storableJson } from '../database/safe-json.js';
import { isDeadlock, retryTransient } from '../database/transient-error.js';
import { EventBus } from './event-bus.js';
import type { EventPayload, GantryEvent } from './event.js';

const PAGE = 500;
const DEADLOCK_RETRIES = 3;
/** How long a reader asks again while the database is away. */
const DATABASE_PATIENCE_MS = 60_000;

/** Between replay and live, and when events are gone that a reader had to come: everything up to `seq` has been given. */
export interface LiveMarker {
  readonly type: 'live';
  readonly session_id: string;
  readonly seq: number;
}

/** Adds what the log does not repeat, such as the bodies of small files. Keeps order and length. */
export type EventHydrator = (events: readonly GantryEvent[]) => Promise<readonly GantryEvent[]>;

export type AppendEvents = (
  sessionId: string,
  runId: string | null,
  payloads: readonly EventPayload[],
) => Promise<GantryEvent[]>;

interface EventRecord {
  session_id: string;
  seq: string;
  run_id: string | null;
  payload: EventPayload;
  created_at: Date;
}

export function toEvent(row: EventRecord): GantryEvent {
  return {
    ...row.payload,
    seq: Number(row.seq),
    session_id: row.session_id,
    run_id: row.run_id,
    ts: row.created_at.getTime(),
  };
}

/**
 * Bumping the session's counter locks its row, so appenders of one session stand in line and `seq` is
 * dense in commit order.
 */
const APPEND_SQL = `
  WITH bump AS (
    UPDATE sessions SET last_seq = last_seq + $2, updated_at = now() WHERE id = $1
    RETURNING last_seq - $2 AS base
  )
  INSERT INTO events (session_id, seq, run_id, type, payload, created_at)
  SELECT $1, bump.base + item.position, $3, item.payload ->> 'type', item.payload, clock_timestamp()
  FROM bump, jsonb_array_elements($4::jsonb) WITH ORDINALITY AS item (payload, position)
  RETURNING session_id, seq, run_id, payload, created_at`;

/** A seq was left out after the reader's, and nothing came since: in one statement, so that no event is taken for gone. */
const GAP_SQL = `
  SELECT last_seq FROM sessions WHERE id = $1 AND last_seq > $2
    AND NOT EXISTS (SELECT 1 FROM events WHERE session_id = $1 AND seq > $2)`;

const READ_SQL = `
  SELECT session_id, seq, run_id, payload, created_at FROM events
  WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`;

/** The append-only log of every session. Commit, then emit: nothing is published that a replay would not show. */
export class EventLog {
  private hydrate: EventHydrator = (events) => Promise.resolve(events);

  constructor(
    private readonly dataSource: DataSource,
    readonly bus: EventBus,
  ) {}

  useHydrator(hydrate: EventHydrator): void {
    this.hydrate = hydrate;
  }

  /** Inside the caller's transaction; the caller publishes the returned events once it has committed. */
  async append(
    manager: EntityManager,
    sessionId: string,
    runId: string | null,
    payloads: readonly EventPayload[],
  ): Promise<GantryEvent[]> {
    if (payloads.length === 0) return [];
    const rows = await manager.query<EventRecord[]>(APPEND_SQL, [
      sessionId,
      payloads.length,
      runId,
      storableJson(payloads),
    ]);
    await manager.query(EventBus.NOTIFY_SQL, [EventBus.notice(this.bus.origin, [sessionId])]);
    return rows.map(toEvent).sort((a, b) => a.seq - b.seq);
  }

  /** One transaction whose events are published after its commit; begun again when it lost a deadlock. */
  async transaction<T>(work: (manager: EntityManager, append: AppendEvents) => Promise<T>): Promise<T> {
    for (let left = DEADLOCK_RETRIES; ; left -= 1) {
      try {
        return await this.transactOnce(work);
      } catch (error) {
        if (left === 0 || !isDeadlock(error)) throw error;
      }
    }
  }

  private async transactOnce<T>(
    work: (manager: EntityManager, append: AppendEvents) => Promise<T>,
  ): Promise<T> {
    const appended: GantryEvent[] = [];
    let isWorked = false;
    try {
      const result = await this.dataSource.transaction(async (manager) => {
        const made = await work(manager, async (sessionId, runId, payloads) => {
          const events = await this.append(manager, sessionId, runId, payloads);
          appended.push(...events);
          return events;
        });
        isWorked = true;
        return made;
      });
      this.bus.publish(appended);
      return result;
    } catch (error) {
      // Only the commit was left, and it may have landed.
      if (isWorked) this.bus.doubt(appended);
      throw error;
    }
  }

  /** Up to `limit` events after `afterSeq`, in order, bodies included. */
  async read(sessionId: string, afterSeq: number, limit: number): Promise<readonly GantryEvent[]> {
    return this.hydrate(await this.readRows(sessionId, afterSeq, limit));
  }

  /**
   * Replays what came after `afterSeq`, says `live`, then follows the session until `signal` aborts. Says `live` again,
   * with a higher seq, when the session is replaced meanwhile.
   * The cursor moves only by reading the next seq, so no event is given twice or left out, whatever
   * the bus did. A reader that is slow falls back to reading the log; it holds up nobody.
   */
  async *subscribe(
    sessionId: string,
    afterSeq: number,
    signal: AbortSignal,
  ): AsyncGenerator<GantryEvent | LiveMarker> {
    const feed = this.bus.attach(sessionId);
    try {
      let cursor = afterSeq;
      let live = false;
      let behind = true;
      while (!signal.aborted) {
        const news: GantryEvent[] = behind ? [] : await feed.next(signal);
        const events: GantryEvent[] = behind
          ? ((await patiently(() => this.readRows(sessionId, cursor, PAGE), signal)) ?? [])
          : startingAt(news, cursor + 1);
        const gap =
          live && behind && events.length === 0 && feed.takeGap()
            ? await patiently(() => this.gapAfter(sessionId, cursor), signal)
            : undefined;
        if (signal.aborted) return;
        if (gap !== undefined) {
          cursor = gap;
          yield { type: 'live', session_id: sessionId, seq: cursor };
        }
        for (const event of await this.hydrate(events)) {
          if (signal.aborted) return;
          cursor = event.seq;
          yield event;
        }
        behind = behind
          ? events.length === PAGE
          : news.length === 0 || news.some((event) => event.seq > cursor);
        if (!behind && !live) {
          live = true;
          yield { type: 'live', session_id: sessionId, seq: cursor };
        }
      }
    } finally {
      this.bus.detach(sessionId, feed);
    }
  }

  private async readRows(sessionId: string, afterSeq: number, limit: number): Promise<GantryEvent[]> {
    const rows = await this.dataSource.query<EventRecord[]>(READ_SQL, [sessionId, afterSeq, limit]);
    return rows.map(toEvent);
  }

  /** The session's last seq, where events between it and the reader's are gone. */
  private async gapAfter(sessionId: string, cursor: number): Promise<number | undefined> {
    const [row] = await this.dataSource.query<{ last_seq: string }[]>(GAP_SQL, [sessionId, cursor]);
    return row && Number(row.last_seq);
  }
}

/** Asks again while the database is away. Undefined on abort. */
async function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await retryTransient(read, DATABASE_PATIENCE_MS, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** The longest run of consecutive events from `seq` on; older ones are skipped, a gap ends it. */
function startingAt(events: readonly GantryEvent[], seq: number): GantryEvent[] {
  const run: GantryEvent[] = [];
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    if (event.seq === seq + run.length) run.push(event);
    else if (event.seq > seq + run.length) break;
  }
  return run;
}
