import { Injectable } from '@nestjs/common';
import { DataSource, In, type EntityManager } from 'typeorm';
import { StoredFile } from './file.entity.js';

export interface FilePage {
  readonly limit: number;
  /** By the time they were made; `desc`: newest first. */
  readonly order: 'asc' | 'desc';
  /** Only files that come after this one in that order. */
  readonly after?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly purpose?: string | undefined;
}

/** Every statement on `files`. Ids are ordered by time, so they order lists too. */
@Injectable()
export class FileRepository {
  constructor(private readonly dataSource: DataSource) {}

  async insert(manager: EntityManager, file: StoredFile): Promise<void> {
    await manager.query(
      `INSERT INTO files (id, owner, session_id, run_id, tool_call_id, name, mime_type, is_text, bytes, sha256,
         purpose, source, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        file.id,
        file.owner,
        file.sessionId,
        file.runId,
        file.toolCallId,
        file.name,
        file.mimeType,
        file.isText,
        file.bytes,
        file.sha256,
        file.purpose,
        file.source === null ? null : JSON.stringify(file.source),
        file.createdAt,
      ],
    );
  }

  async find(owner: string, id: string, manager = this.dataSource.manager): Promise<StoredFile | undefined> {
    return (await manager.findOneBy(StoredFile, { id, owner })) ?? undefined;
  }

  async findMany(ids: readonly string[], manager = this.dataSource.manager): Promise<StoredFile[]> {
    return ids.length === 0 ? [] : manager.findBy(StoredFile, { id: In([...ids]) });
  }

  async page(owner: string, page: FilePage): Promise<StoredFile[]> {
    const [direction, beyond] = page.order === 'asc' ? (['ASC', '>'] as const) : (['DESC', '<'] as const);
    const query = this.dataSource.manager
      .createQueryBuilder(StoredFile, 'file')
      .where('file.owner = :owner', { owner })
      .orderBy('file.id', direction)
      .limit(page.limit);
    if (page.after !== undefined) query.andWhere(`file.id ${beyond} :after`, { after: page.after });
    if (page.sessionId !== undefined)
      query.andWhere('file.session_id = :session', { session: page.sessionId });
    if (page.purpose !== undefined) query.andWhere('file.purpose = :purpose', { purpose: page.purpose });
    return query.getMany();
  }

  /** Oldest first. */
  async listBySession(sessionId: string, manager = this.dataSource.manager): Promise<StoredFile[]> {
    return manager.find(StoredFile, { where: { sessionId }, order: { id: 'ASC' } });
  }

  /** Bytes of all files that the session has, earlier versions of a file among them. */
  async sessionBytes(manager: EntityManager, sessionId: string): Promise<number> {
    const [row] = await manager.query<{ bytes: string }[]>(
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM files WHERE session_id = $1',
      [sessionId],
    );
    return Number(row?.bytes ?? 0);
  }

  async ownsSession(owner: string, sessionId: string): Promise<boolean> {
    const rows = await this.dataSource.query<unknown[]>(
      'SELECT 1 FROM sessions WHERE id = $1 AND owner = $2',
      [sessionId, owner],
    );
    return rows.length > 0;
  }

  /** The file, and its place in working directories; returns the digests of the removed rows. */
  async remove(manager: EntityManager, ids: readonly string[]): Promise<Buffer[]> {
    await manager.query('DELETE FROM workspace_entries WHERE file_id = ANY ($1::text[])', [ids]);
    const [rows] = await manager.query<[{ sha256: Buffer }[], number]>(
      'DELETE FROM files WHERE id = ANY ($1::text[]) RETURNING sha256',
      [ids],
    );
    return rows.map((row) => row.sha256);
  }
}
