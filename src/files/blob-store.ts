import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { ContentProbe } from './content-probe.js';
import { rechunk } from './rechunk.js';
import { asStorageError, storageFull } from './storage-error.js';

export type BlobContent = Uint8Array | AsyncIterable<Uint8Array>;

/** Content read to its end, hashed, and not yet anyone's. Ends in `commit` or in `discard`. */
export interface StagedBlob {
  readonly sha256: Buffer;
  readonly bytes: number;
  /** All of it is UTF-8 without NUL. */
  readonly isUtf8: boolean;
  /** The first bytes, enough to tell a format. */
  readonly head: Buffer;
  readonly place:
    { readonly kind: 'memory'; readonly data: Buffer } | { readonly kind: 'database'; readonly key: Buffer };
}

export const CHUNK_BYTES = 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
/** Shorter than a digest, so that the two can never be taken for each other. */
const PROVISIONAL_KEY_BYTES = 16;

const STORED_BYTES = '(SELECT coalesce(sum(bytes), 0) FROM blobs)';

const APPEND_CHUNK = `
  WITH room AS (
    UPDATE blobs SET bytes = bytes + length($3::bytea), created_at = now()
    WHERE sha256 = $1 AND ${STORED_BYTES} + length($3::bytea) <= $4::bigint RETURNING sha256
  )
  INSERT INTO blob_chunks (sha256, index, data) SELECT sha256, $2::integer, $3::bytea FROM room RETURNING index`;

/** No row: no room. `inserted` is false when someone else stored the same content first. */
const INSERT_BLOB = `
  INSERT INTO blobs (sha256, bytes)
  SELECT $1, $2::bigint WHERE ${STORED_BYTES} + $3::bigint <= $4::bigint
  ON CONFLICT (sha256) DO UPDATE SET bytes = blobs.bytes RETURNING xmax = 0 AS inserted`;

/**
 * Content by its sha256, once however many files have it, in pieces of 1 MiB. Content of one piece is
 * written at commit. Longer content goes piece by piece, each a transaction of its own, to a provisional
 * key and takes its digest's place at commit: a slow sender holds no connection, and a crash leaves only
 * what `removeAbandoned` finds. The storage limit counts provisional content too; concurrent writers
 * may pass it by a piece each.
 */
@Injectable()
export class BlobStore {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Reads `content` to its end, never holding more than two pieces of it. Rejects with `too_large` past
   * `maxBytes` and with `storage_full`, leaving nothing behind. With a `manager`, pieces are written in
   * its transaction.
   */
  async stage(content: BlobContent, maxBytes: number, manager?: EntityManager): Promise<StagedBlob> {
    const executor = manager ?? this.dataSource.manager;
    const probe = new ContentProbe();
    let first: Buffer | undefined;
    let key: Buffer | undefined;
    let index = 0;
    try {
      for await (const piece of rechunk(content, CHUNK_BYTES)) {
        probe.add(piece);
        if (probe.bytes > maxBytes) throw tooLarge(maxBytes);
        if (first === undefined) first = piece;
        else {
          if (key === undefined) {
            key = await this.beginProvisional(executor);
            await this.append(executor, key, 0, first);
            first = first.subarray(0, HEAD_BYTES);
          }
          index += 1;
          await this.append(executor, key, index, piece);
        }
      }
    } catch (error) {
      // Should this fail too, `removeAbandoned` comes for it.
      if (key !== undefined && manager === undefined)
        await this.removeProvisional(executor, key).catch(() => {});
      throw asStorageError(error);
    }
    const data = first ?? Buffer.alloc(0);
    return {
      ...probe.finish(),
      head: Buffer.from(data.subarray(0, HEAD_BYTES)),
      place: key === undefined ? { kind: 'memory', data } : { kind: 'database', key },
    };
  }

  /**
   * Gives the content its place, in the transaction that also writes the file that refers to it: until
   * that ends the blob is locked against removal.
   */
  async commit(manager: EntityManager, staged: StagedBlob): Promise<void> {
    try {
      await (staged.place.kind === 'memory'
        ? this.commitFromMemory(manager, staged, staged.place.data)
        : this.commitProvisional(manager, staged, staged.place.key));
    } catch (error) {
      throw asStorageError(error);
    }
  }

  /** Forgets content that was not committed, or whose transaction was rolled back. */
  async discard(staged: StagedBlob): Promise<void> {
    if (staged.place.kind === 'database')
      await this.removeProvisional(this.dataSource.manager, staged.place.key);
  }

  /** The bytes from `start` up to `end`, a piece at a time. Fails when the content is gone, mid-way too. */
  async *read(sha256: Buffer, start: number, end: number, manager?: EntityManager): AsyncGenerator<Buffer> {
    const executor = manager ?? this.dataSource.manager;
    for (let position = start; position < end;) {
      const index = Math.floor(position / CHUNK_BYTES);
      const from = position - index * CHUNK_BYTES;
      const wanted = Math.min(CHUNK_BYTES - from, end - position);
      const [row] = await executor.query<{ data: Buffer }[]>(
        'SELECT substring(data FROM $3 FOR $4) AS data FROM blob_chunks WHERE sha256 = $1 AND index = $2',
        [sha256, index, from + 1, wanted],
      );
      if (row?.data.length !== wanted) throw contentGone();
      yield row.data;
      position += wanted;
    }
  }

  /** Removes those of the given blobs that no file refers to. The row locks order it after stores in flight. */
  async removeUnreferenced(manager: EntityManager, digests: readonly Buffer[]): Promise<number> {
    if (digests.length === 0) return 0;
    await manager.query('SELECT 1 FROM blobs WHERE sha256 = ANY ($1::bytea[]) ORDER BY sha256 FOR UPDATE', [
      digests,
    ]);
    // A statement of its own: only a new snapshot sees the files that the locks waited for.
    const [, removed] = await manager.query<[unknown, number]>(
      `DELETE FROM blobs WHERE sha256 = ANY ($1::bytea[])
       AND NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = blobs.sha256)`,
      [digests],
    );
    return removed;
  }

  /** Removes every blob that no file refers to; returns how many. */
  async removeAllUnreferenced(): Promise<number> {
    return this.dataSource.transaction(async (manager) => {
      const rows = await manager.query<{ sha256: Buffer }[]>(
        `SELECT sha256 FROM blobs WHERE octet_length(sha256) > ${PROVISIONAL_KEY_BYTES}
         AND NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = blobs.sha256)`,
      );
      return this.removeUnreferenced(
        manager,
        rows.map((row) => row.sha256),
      );
    });
  }

  /** Removes provisional content that nobody has added to for an hour: what crashed senders left. */
  async removeAbandoned(): Promise<number> {
    const [, removed] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM blobs WHERE octet_length(sha256) = ${PROVISIONAL_KEY_BYTES}
       AND created_at < now() - interval '1 hour'`,
    );
    return removed;
  }

  private async beginProvisional(executor: EntityManager): Promise<Buffer> {
    const key = randomBytes(PROVISIONAL_KEY_BYTES);
    await executor.query('INSERT INTO blobs (sha256, bytes) VALUES ($1, 0)', [key]);
    return key;
  }

  private async append(executor: EntityManager, key: Buffer, index: number, piece: Buffer): Promise<void> {
    const limit = this.config.files.storageLimitBytes;
    const rows = await executor.query<unknown[]>(APPEND_CHUNK, [key, index, piece, limit]);
    if (rows.length === 0) throw storageFull();
  }

  private async removeProvisional(executor: EntityManager, key: Buffer): Promise<void> {
    await executor.query('DELETE FROM blobs WHERE sha256 = $1', [key]);
  }

  private async commitFromMemory(manager: EntityManager, staged: StagedBlob, data: Buffer): Promise<void> {
    if (await this.lockExisting(manager, staged.sha256)) return;
    if (!(await this.insert(manager, staged, staged.bytes)) || data.length === 0) return;
    await manager.query('INSERT INTO blob_chunks (sha256, index, data) VALUES ($1, 0, $2)', [
      staged.sha256,
      data,
    ]);
  }

  private async commitProvisional(manager: EntityManager, staged: StagedBlob, key: Buffer): Promise<void> {
    const exists = await this.lockExisting(manager, staged.sha256);
    // Its bytes are counted already, under the provisional key.
    if (!exists && (await this.insert(manager, staged, 0))) {
      await manager.query('UPDATE blob_chunks SET sha256 = $1 WHERE sha256 = $2', [staged.sha256, key]);
    }
    await this.removeProvisional(manager, key);
  }

  private async lockExisting(manager: EntityManager, sha256: Buffer): Promise<boolean> {
    const rows = await manager.query<unknown[]>('SELECT 1 FROM blobs WHERE sha256 = $1 FOR KEY SHARE', [
      sha256,
    ]);
    return rows.length > 0;
  }

  private async insert(manager: EntityManager, staged: StagedBlob, added: number): Promise<boolean> {
    const limit = this.config.files.storageLimitBytes;
    const [row] = await manager.query<{ inserted: boolean }[]>(INSERT_BLOB, [
      staged.sha256,
      staged.bytes,
      added,
      limit,
    ]);
    if (row === undefined) throw storageFull();
    return row.inserted;
  }
}

function tooLarge(maxBytes: number): DomainError {
  return new DomainError('too_large', `The file is larger than the ${maxBytes} bytes allowed.`, {
    reason: 'file_too_large',
    details: { max_bytes: maxBytes },
  });
}

function contentGone(): DomainError {
  return new DomainError('not_found', 'The content of this file was deleted.', { reason: 'file_not_found' });
}
