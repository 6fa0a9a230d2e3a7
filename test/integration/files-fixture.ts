import type { DataSource } from 'typeorm';
import { loadConfig, type Config } from '../../src/config/config.js';
import { createDataSource } from '../../src/database/data-source.js';
import { BlobStore } from '../../src/files/blob-store.js';
import { FileRepository } from '../../src/files/file.repository.js';
import { FileService } from '../../src/files/file.service.js';
import { newId } from '../../src/ids.js';
import { createTestDatabase } from '../support/test-database.js';

export interface FilesFixture {
  readonly dataSource: DataSource;
  readonly config: Config;
  readonly blobs: BlobStore;
  readonly files: FileService;
  /** The same database under other limits. */
  under(environment: Record<string, string>): { blobs: BlobStore; files: FileService; config: Config };
  insertSession(owner: string): Promise<string>;
  insertRun(sessionId: string, owner: string): Promise<string>;
  insertToolCall(runId: string, sessionId: string, name: string): Promise<string>;
  count(table: string): Promise<number>;
  close(): Promise<void>;
}

export async function openFilesFixture(environment: Record<string, string> = {}): Promise<FilesFixture> {
  const database = await createTestDatabase();
  const dataSource = await createDataSource(database.url).initialize();
  const under = (variables: Record<string, string>) => {
    const config = loadConfig(variables);
    const blobs = new BlobStore(dataSource, config);
    return {
      config,
      blobs,
      files: new FileService(dataSource, blobs, new FileRepository(dataSource), config),
    };
  };
  let calls = 0;
  return {
    dataSource,
    ...under(environment),
    under,
    insertSession: async (owner) => {
      const id = newId('sess');
      await dataSource.query('INSERT INTO sessions (id, owner) VALUES ($1, $2)', [id, owner]);
      return id;
    },
    insertRun: async (sessionId, owner) => {
      const id = newId('run');
      await dataSource.query(
        `INSERT INTO runs (id, session_id, owner, kind, state, generation, options, request_hash)
         VALUES ($1, $2, $3, 'chat', 'running', 1, '{}', '')`,
        [id, sessionId, owner],
      );
      return id;
    },
    insertToolCall: async (runId, sessionId, name) => {
      const id = newId('call');
      calls += 1;
      await dataSource.query(
        `INSERT INTO tool_calls (id, run_id, session_id, round, index, name, arguments, arguments_hash, state, started_at)
         VALUES ($1, $2, $3, 0, $4, $5, '{}', '', 'running', now())`,
        [id, runId, sessionId, calls, name],
      );
      return id;
    },
    count: async (table) => {
      const [row] = await dataSource.query<{ count: number }[]>(
        `SELECT count(*)::int AS count FROM ${table}`,
      );
      return row?.count ?? -1;
    },
    close: async () => {
      await dataSource.destroy();
      await database.drop();
    },
  };
}

/** `bytes` of content that neither repeats nor compresses, in pieces of odd sizes, made as it is read. */
export async function* pseudoRandom(bytes: number, seed: number): AsyncGenerator<Buffer> {
  let state = seed;
  for (let left = bytes; left > 0;) {
    const piece = Buffer.allocUnsafe(Math.min(left, 70_001));
    for (let at = 0; at < piece.length; at += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      piece[at] = state >>> 24;
    }
    yield piece;
    left -= piece.length;
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** The same bytes for the same arguments. */
export async function pseudoRandomBytes(length: number, seed = 7): Promise<Buffer> {
  return collect(pseudoRandom(length, seed));
}
