import { Client } from 'pg';
import { pino } from 'pino';
import type { DataSource, EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDataSource } from '../../src/database/data-source.js';
import { type ChunkScope, ChunkWriter } from '../../src/events/chunk-writer.js';
import { EventBus } from '../../src/events/event-bus.js';
import { EventLog } from '../../src/events/event-log.js';
import type { PayloadOf } from '../../src/events/event.js';
import { newId } from '../../src/ids.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const piece = (offset: number, text: string): PayloadOf<'agentic_tool_output'> => ({
  type: 'agentic_tool_output',
  round: 0,
  tool_call_id: 'call_1',
  stream: 'stdout',
  text,
  offset,
});

const broken = () => Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });

describe('a connection that breaks', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let bus: EventBus;
  let log: EventLog;
  let outside: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await createDataSource(database.url).initialize();
    bus = new EventBus(database.url, pino({ level: 'silent' }));
    await bus.start();
    log = new EventLog(dataSource, bus);
    outside = new Client({ connectionString: database.url });
    await outside.connect();
  });
  afterAll(async () => {
    await bus.close();
    await dataSource.destroy();
    await outside.end();
    await database.drop();
  });

  async function newScope(): Promise<ChunkScope> {
    const scope = { sessionId: newId('sess'), runId: newId('run'), generation: 1 };
    await outside.query(`INSERT INTO sessions (id, owner) VALUES ($1, 'alice')`, [scope.sessionId]);
    await outside.query(
      `INSERT INTO runs (id, session_id, owner, kind, state, generation, options, request_hash)
       VALUES ($1, $2, 'alice', 'tool', 'running', 1, '{}', '')`,
      [scope.runId, scope.sessionId],
    );
    return scope;
  }

  /** The writer's database, whose first answer to a flush is lost, before or after the flush took place. */
  function losing(when: 'before' | 'after'): DataSource {
    let isLost = false;
    return new Proxy(dataSource, {
      get: (target, property) => {
        if (property !== 'query') return Reflect.get(target, property, target) as unknown;
        return async (sql: string, values: unknown[]): Promise<unknown> => {
          if (isLost || !sql.includes('INSERT INTO events')) return target.query(sql, values);
          isLost = true;
          if (when === 'after') await target.query(sql, values);
          throw broken();
        };
      },
    });
  }

  test.each(['before', 'after'] as const)(
    'pieces are there once when it broke %s they landed, and subscribers are told',
    async (when) => {
      const scope = await newScope();
      const writer = new ChunkWriter(losing(when), log);
      const stop = new AbortController();
      const seen: unknown[] = [];
      const reading = (async () => {
        for await (const event of log.subscribe(scope.sessionId, 0, stop.signal)) {
          if (event.type !== 'agentic_tool_output') continue;
          seen.push([event.seq, event.text]);
          if (event.seq === 2) return;
        }
      })();
      await writer.write(scope, piece(0, 'one'));
      await writer.write(scope, { ...piece(0, 'two'), stream: 'stderr' });
      await writer.drain(scope);
      await reading;
      stop.abort();
      expect(seen).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
      const { rows } = await outside.query(
        `SELECT payload ->> 'text' AS text FROM events WHERE run_id = $1 ORDER BY seq`,
        [scope.runId],
      );
      expect(rows).toEqual([{ text: 'one' }, { text: 'two' }]);
    },
  );

  test.each(['before', 'after'] as const)(
    'a commit without an answer that landed %s its readers looked is told to them',
    async (when) => {
      const { sessionId, runId } = await newScope();
      const mayLand = Promise.withResolvers<void>();
      if (when === 'before') mayLand.resolve();
      const { database, reads, landed } = losingAnswers(mayLand.promise, when);
      const log = new EventLog(database, bus);
      const reader = log.subscribe(sessionId, 0, AbortSignal.timeout(10_000));
      expect(await reader.next()).toMatchObject({ value: { type: 'live' } });
      const next = reader.next();
      const commit = log.transaction((_manager, append) => append(sessionId, runId, [piece(0, 'one')]));
      await expect(commit).rejects.toThrow('Connection terminated');
      if (when === 'after') await vi.waitFor(() => expect(reads).toEqual(['answered', 'failed', 'answered']));
      mayLand.resolve();
      await landed.promise;
      expect(await next).toMatchObject({ value: { type: 'agentic_tool_output', seq: 1 } });
      await reader.return(undefined);
    },
  );

  /** A database that loses the answer to a commit, and that readers find away when they look next. */
  function losingAnswers(mayLand: Promise<void>, when: 'before' | 'after') {
    const reads: ('answered' | 'failed')[] = [];
    const landed = Promise.withResolvers<void>();
    const transaction = async (work: (manager: EntityManager) => Promise<unknown>): Promise<never> => {
      const worked = Promise.withResolvers<void>();
      const commit = dataSource.transaction(async (manager) => {
        await work(manager);
        worked.resolve();
        await mayLand;
      });
      commit.then(landed.resolve, landed.reject);
      await (when === 'before' ? commit : worked.promise);
      throw broken();
    };
    const query = async (sql: string, values: unknown[]): Promise<unknown> => {
      if (reads.length === 1) {
        reads.push('failed');
        throw broken();
      }
      const rows: unknown = await dataSource.query(sql, values);
      reads.push('answered');
      return rows;
    };
    return {
      database: Object.assign(Object.create(dataSource) as DataSource, { transaction, query }),
      reads,
      landed,
    };
  }

  test('another worker that has the run by then is not written over', async () => {
    const scope = await newScope();
    const writer = new ChunkWriter(losing('before'), log);
    await writer.write(scope, piece(0, 'late'));
    await outside.query('UPDATE runs SET generation = 2 WHERE id = $1', [scope.runId]);
    await expect(writer.drain(scope)).rejects.toThrow('no longer this worker');
  });
});
