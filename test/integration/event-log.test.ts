import fc from 'fast-check';
import { Client } from 'pg';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { ChunkWriter, FencedError } from '../../src/events/chunk-writer.js';
import { EventBus } from '../../src/events/event-bus.js';
import { EventLog } from '../../src/events/event-log.js';
import type { EventPayload, GantryEvent, PayloadOf } from '../../src/events/event.js';
import { newId } from '../../src/ids.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

interface LogProcess {
  readonly dataSource: DataSource;
  readonly bus: EventBus;
  readonly log: EventLog;
  readonly chunks: ChunkWriter;
  close(): Promise<void>;
}

let database: TestDatabase;
let here: LogProcess;
let there: LogProcess;

/** What one server process has of the log. */
async function openLog(): Promise<LogProcess> {
  const dataSource = await createDataSource(database.url).initialize();
  const bus = new EventBus(database.url, pino({ level: 'silent' }));
  await bus.start();
  const log = new EventLog(dataSource, bus);
  const close = async () => {
    await bus.close();
    await dataSource.destroy();
  };
  return { dataSource, bus, log, chunks: new ChunkWriter(dataSource, log), close };
}

beforeAll(async () => {
  database = await createTestDatabase();
  here = await openLog();
  there = await openLog();
});

afterAll(async () => {
  await here.close();
  await there.close();
  await database.drop();
});

async function newSession(): Promise<string> {
  const id = newId('sess');
  await here.dataSource.query(`INSERT INTO sessions (id, owner) VALUES ($1, 'alice')`, [id]);
  return id;
}

async function newRun(sessionId: string, generation = 1) {
  const runId = newId('run');
  await here.dataSource.query(
    `INSERT INTO runs (id, session_id, owner, kind, state, generation, options, request_hash)
     VALUES ($1, $2, 'alice', 'chat', 'running', $3, '{}', '')`,
    [runId, sessionId, generation],
  );
  return { runId, sessionId, generation };
}

const queued = (position: number): EventPayload => ({ type: 'run_queued', position });
const piece = (offset: number, content: string): PayloadOf<'chunk'> => ({
  type: 'chunk',
  round: 0,
  attempt: 0,
  offset,
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const append = (process: LogProcess, sessionId: string, payloads: readonly EventPayload[]) =>
  process.log.transaction((_manager, add) => add(sessionId, null, payloads));

async function take(
  process: LogProcess,
  sessionId: string,
  afterSeq: number,
  count: number,
): Promise<GantryEvent[]> {
  const taken: GantryEvent[] = [];
  if (count === 0) return taken;
  for await (const event of process.log.subscribe(sessionId, afterSeq, AbortSignal.timeout(15_000))) {
    if (event.type === 'live') continue;
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe('the event log', () => {
  test('seq is dense under concurrent appenders of two processes', async () => {
    const sessionId = await newSession();
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        append(i % 2 ? here : there, sessionId, i % 3 ? [queued(i)] : [queued(i), queued(-i)]),
      ),
    );
    const events = await here.log.read(sessionId, 0, 1000);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
  });

  test('for any cut, replay and live make the whole, in the same process and in another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        fc.nat(100),
        async (batches, startAt, cutPercent) => {
          const sessionId = await newSession();
          const total = batches.reduce((sum, size) => sum + size, 0);
          const cut = Math.floor((total * cutPercent) / 100);
          const readers: Promise<GantryEvent[]>[] = [];
          const subscribe = (afterSeq: number) => {
            readers.push(
              take(here, sessionId, afterSeq, total - afterSeq),
              take(there, sessionId, afterSeq, total - afterSeq),
            );
          };
          for (const [index, size] of batches.entries()) {
            if (index === startAt % batches.length) subscribe(0);
            await append(
              index % 2 ? here : there,
              sessionId,
              Array.from({ length: size }, (_, i) => queued(i)),
            );
          }
          subscribe(cut);
          const whole = await here.log.read(sessionId, 0, 1000);
          expect(whole).toHaveLength(total);
          for (const [index, events] of (await Promise.all(readers)).entries()) {
            expect(events).toEqual(index < 2 ? whole : whole.slice(cut));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('says live once, after the replay and before what comes later', async () => {
    const sessionId = await newSession();
    await append(here, sessionId, [queued(1), queued(2)]);
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of there.log.subscribe(sessionId, 0, stop.signal)) {
      seen.push(event.type === 'live' ? `live ${event.seq}` : `event ${event.seq}`);
      if (event.type === 'live') await append(here, sessionId, [queued(3)]);
      else if (event.seq === 3) stop.abort();
    }
    expect(seen).toEqual(['event 1', 'event 2', 'live 2', 'event 3']);
  });

  test('a lost listening connection loses no event', async () => {
    const sessionId = await newSession();
    const reader = take(there, sessionId, 0, 3);
    await append(here, sessionId, [queued(1)]);
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gantry-bus'`,
    );
    await admin.end();
    await append(here, sessionId, [queued(2)]);
    await append(here, sessionId, [queued(3)]);
    expect((await reader).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('a reader that does not read holds nobody up and misses nothing', async () => {
    const sessionId = await newSession();
    const stop = new AbortController();
    const slow = here.log.subscribe(sessionId, 0, stop.signal);
    expect((await slow.next()).value).toMatchObject({ type: 'live' });
    const first = slow.next();
    for (let i = 0; i < 20; i += 1)
      await append(
        here,
        sessionId,
        Array.from({ length: 100 }, (_, n) => queued(n)),
      );
    const seqs = [((await first).value as GantryEvent).seq];
    while (seqs.length < 2000) seqs.push(((await slow.next()).value as GantryEvent).seq);
    expect(seqs).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
    stop.abort();
    await slow.return(undefined);
    expect(here.bus.watchers(sessionId)).toBe(0);
  });
});

describe('the chunk writer', () => {
  test('pieces of many runs come out whole and in order, and adjoining ones are merged', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, async () => newRun(await newSession())));
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
    await Promise.all(
      runs.map(async (run) => {
        for (let offset = 0; offset < text.length; offset += 3) {
          await here.chunks.write(run, piece(offset, text.slice(offset, offset + 3)));
          if (offset % 90 === 0) await here.chunks.drain(run);
        }
        await here.chunks.drain(run);
      }),
    );
    for (const run of runs) {
      const events = await here.log.read(run.sessionId, 0, 1000);
      let built = '';
      for (const event of events) {
        if (event.type !== 'chunk') throw new Error(event.type);
        expect(event.offset).toBe(built.length);
        built += event.choices[0]?.delta.content;
      }
      expect(built).toBe(text);
      expect(events.length).toBeLessThan(text.length / 3);
    }
  });

  test('after another claim nothing lands, and the writer is told', async () => {
    const run = await newRun(await newSession());
    await here.chunks.write(run, piece(0, 'mine'));
    await here.chunks.drain(run);
    await here.dataSource.query(`UPDATE runs SET generation = 2 WHERE id = $1`, [run.runId]);
    await here.chunks.write(run, piece(4, 'late'));
    await expect(here.chunks.drain(run)).rejects.toBeInstanceOf(FencedError);
    await expect(here.chunks.write(run, piece(8, 'later'))).rejects.toBeInstanceOf(FencedError);
    const next = { ...run, generation: 2 };
    await there.chunks.write(next, piece(4, ' theirs'));
    await there.chunks.drain(next);
    const events = await here.log.read(run.sessionId, 0, 10);
    expect(events.map((event) => (event.type === 'chunk' ? event.choices[0]?.delta.content : ''))).toEqual([
      'mine',
      ' theirs',
    ]);
  });

  test('a fenced run in the batch does not hold up the others', async () => {
    const [alive, dead] = [await newRun(await newSession()), await newRun(await newSession())];
    await here.dataSource.query(`UPDATE runs SET state = 'completed' WHERE id = $1`, [dead.runId]);
    await Promise.all([here.chunks.write(alive, piece(0, 'a')), here.chunks.write(dead, piece(0, 'b'))]);
    await expect(here.chunks.drain(alive)).resolves.toBeUndefined();
    await expect(here.chunks.drain(dead)).rejects.toBeInstanceOf(FencedError);
    expect(await here.log.read(dead.sessionId, 0, 10)).toEqual([]);
  });
});
