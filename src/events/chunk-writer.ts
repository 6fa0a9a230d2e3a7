import type { DataSource } from 'typeorm';
import { storableJson } from '../database/safe-json.js';
import { retryTransient } from '../database/transient-error.js';
import { EventBus } from './event-bus.js';
import { type EventLog, toEvent } from './event-log.js';
import { appendChunk, type ChunkPayload, weightOf } from './merge-chunks.js';

/** Token and output pieces wait at most this long for company; the first after a pause goes at once. */
const FLUSH_EVERY_MS = 20;

/** A producer waits once its run has this much text uncommitted, so a slow database bounds memory. */
const HIGH_WATER_UNITS = 256 * 1024;

/** How long a flush is tried again while the database is away. */
const DATABASE_PATIENCE_MS = 60_000;

/** Which run writes, fenced: after another worker's claim nothing of this one lands. */
export interface ChunkScope {
  readonly runId: string;
  readonly sessionId: string;
  readonly generation: number;
}

/** The run belongs to another worker, or is over: stop at once. */
export class FencedError extends Error {
  constructor(runId: string) {
    super(`Run ${runId} is no longer this worker's.`);
    this.name = 'FencedError';
  }
}

interface Lane {
  readonly scope: ChunkScope;
  pending: ChunkPayload[];
  pendingUnits: number;
  /** Taken by a flush that is under way. */
  inFlight: boolean;
  failure: Error | undefined;
}

/** One statement for all runs: fenced rows drop out, each session's counter is bumped once. */
const FLUSH_SQL = `
  WITH input AS (
    SELECT item.position, x.* FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS item (value, position),
    LATERAL jsonb_to_record(item.value) AS x (run_id text, session_id text, generation integer, payload jsonb)
  ), owned AS (
    SELECT id, generation FROM runs
    WHERE id IN (SELECT run_id FROM input) AND state = 'running' ORDER BY id FOR SHARE
  ), live AS (
    SELECT input.* FROM input JOIN owned ON owned.id = input.run_id AND owned.generation = input.generation
  ), bump AS (
    UPDATE sessions SET last_seq = last_seq + counted.n, updated_at = now()
    FROM (SELECT session_id, count(*) AS n FROM live GROUP BY session_id) AS counted
    WHERE sessions.id = counted.session_id
    RETURNING sessions.id, last_seq - counted.n AS base
  ), inserted AS (
    INSERT INTO events (session_id, seq, run_id, type, payload, created_at)
    SELECT live.session_id, bump.base + row_number() OVER (PARTITION BY live.session_id ORDER BY live.position),
      live.run_id, live.payload ->> 'type', live.payload, clock_timestamp()
    FROM live JOIN bump ON bump.id = live.session_id
    RETURNING session_id, seq, run_id, payload, created_at
  )
  SELECT inserted.* FROM inserted LEFT JOIN (SELECT pg_notify('gantry_events', $2)) AS notified ON true`;

/**
 * What of a batch came into the log within so many seconds. No run writes the same piece twice but for
 * a call that is run again after a crash, hence the time.
 */
const LANDED_SQL = `
  SELECT session_id, seq, events.run_id, events.payload, created_at FROM events,
  jsonb_to_recordset($1::jsonb) AS x (run_id text, payload jsonb)
  WHERE events.run_id = x.run_id AND events.payload = x.payload
  AND created_at > clock_timestamp() - make_interval(secs => $2)`;

/** For the time that a statement takes to reach the database. */
const LANDED_MARGIN_SECONDS = 5;

type EventRecord = Parameters<typeof toEvent>[0];

/**
 * Group commit for what comes in small pieces: the model's tokens and a tool's output. Pieces that
 * join up are merged, all runs' pieces go in one multi-row insert, and only committed ones are
 * published. The log itself is therefore the journal that an interrupted inference resumes from.
 */
export class ChunkWriter {
  private readonly lanes = new Map<string, Lane>();
  private flushing = false;
  private lastFlush = 0;
  private timer: NodeJS.Timeout | undefined;
  private flushed = Promise.withResolvers<void>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
  ) {}

  /**
   * Takes a piece; resolves at once while little waits, else when there is room.
   * Rejects with FencedError or the database's error once this run's pieces could not be written.
   */
  async write(scope: ChunkScope, payload: ChunkPayload): Promise<void> {
    const lane = this.lane(scope);
    if (lane.failure) throw lane.failure;
    appendChunk(lane.pending, payload);
    lane.pendingUnits += weightOf(payload);
    this.schedule(FLUSH_EVERY_MS);
    if (lane.pendingUnits > HIGH_WATER_UNITS) await this.drain(scope);
  }

  /** Resolves when all that the run wrote is committed and published; rejects as `write` does. */
  async drain(scope: ChunkScope): Promise<void> {
    const lane = this.lanes.get(scope.runId);
    if (!lane) return;
    while (isUnwritten(lane)) {
      this.schedule(0);
      await this.flushed.promise;
    }
    if (lane.failure) throw lane.failure;
  }

  /** Forgets a run that was fenced, failed or has ended. */
  discard(runId: string): void {
    this.lanes.delete(runId);
  }

  private lane(scope: ChunkScope): Lane {
    const existing = this.lanes.get(scope.runId);
    if (existing && existing.scope.generation === scope.generation) return existing;
    const lane: Lane = { scope, pending: [], pendingUnits: 0, inFlight: false, failure: undefined };
    this.lanes.set(scope.runId, lane);
    return lane;
  }

  private schedule(everyMs: number): void {
    if (this.flushing || (this.timer && everyMs > 0)) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), Math.max(0, this.lastFlush + everyMs - Date.now()));
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    const batch = [...this.lanes.values()]
      .filter((lane) => lane.pending.length > 0)
      .map((lane) => ({ lane, payloads: lane.pending }));
    for (const { lane } of batch) Object.assign(lane, { pending: [], pendingUnits: 0, inFlight: true });
    this.flushing = true;
    try {
      const written = await this.insert(batch);
      for (const { lane } of batch) {
        if (!written.has(lane.scope.runId)) fail(lane, new FencedError(lane.scope.runId));
      }
    } catch (error) {
      for (const { lane } of batch) fail(lane, error instanceof Error ? error : new Error(String(error)));
    }
    for (const { lane } of batch) lane.inFlight = false;
    this.flushing = false;
    this.lastFlush = Date.now();
    if ([...this.lanes.values()].some((lane) => lane.pending.length > 0)) this.schedule(FLUSH_EVERY_MS);
    const { resolve } = this.flushed;
    this.flushed = Promise.withResolvers<void>();
    resolve();
  }

  /** The runs whose pieces were taken. */
  private async insert(
    batch: readonly { lane: Lane; payloads: readonly ChunkPayload[] }[],
  ): Promise<Set<string>> {
    if (batch.length === 0) return new Set();
    const rows = batch.flatMap(({ lane, payloads }) =>
      payloads.map((payload) => ({
        run_id: lane.scope.runId,
        session_id: lane.scope.sessionId,
        generation: lane.scope.generation,
        payload,
      })),
    );
    const inserted = await this.insertRows(rows);
    const events = inserted.map(toEvent).sort((a, b) => a.seq - b.seq);
    this.log.bus.publish(events);
    return new Set(events.map((event) => event.run_id ?? ''));
  }

  /** A connection that broke leaves open whether the rows landed, so a repetition looks first. */
  private async insertRows(rows: readonly { readonly session_id: string }[]): Promise<EventRecord[]> {
    const json = storableJson(rows);
    const sessionIds = [...new Set(rows.map((row) => row.session_id))];
    const notice = EventBus.notice(this.log.bus.origin, sessionIds);
    const startedAt = performance.now();
    let attempts = 0;
    return retryTransient(async () => {
      attempts += 1;
      if (attempts > 1) {
        const seconds = (performance.now() - startedAt) / 1000 + LANDED_MARGIN_SECONDS;
        const landed = await this.dataSource.query<EventRecord[]>(LANDED_SQL, [json, seconds]);
        if (landed.length > 0) return landed;
      }
      return this.dataSource.query<EventRecord[]>(FLUSH_SQL, [json, notice]);
    }, DATABASE_PATIENCE_MS);
  }
}

function isUnwritten(lane: Lane): boolean {
  return lane.pending.length > 0 || lane.inFlight;
}

/** Later writes of the lane are refused with `failure`; the worker then lets the run go. */
function fail(lane: Lane, failure: Error): void {
  Object.assign(lane, { failure, pending: [], pendingUnits: 0 });
}
