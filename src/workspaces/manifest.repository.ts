import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { FencedError } from '../events/chunk-writer.js';
import { newId } from '../ids.js';
import type { SandboxChoice } from '../sandbox/sandbox.js';

/** One file of a working directory. */
export interface ManifestEntry {
  readonly path: string;
  readonly fileId: string;
  readonly name: string;
  readonly bytes: string;
  readonly sha256: Buffer;
  readonly toolCallId: string | null;
  readonly executable: boolean;
  readonly modifiedAt: Date;
}

/** What stands at a path. */
export interface ManifestUpsert {
  readonly path: string;
  readonly fileId: string;
  readonly executable: boolean;
}

export interface ManifestChange {
  readonly sessionId: string;
  readonly upserts: readonly ManifestUpsert[];
  readonly deletions: readonly string[];
}

const SELECT_ENTRIES = `
  SELECT entry.path, entry.file_id AS "fileId", file.name, file.bytes, file.sha256,
    file.tool_call_id AS "toolCallId", entry.executable, entry.modified_at AS "modifiedAt"
  FROM workspace_entries entry JOIN files file ON file.id = entry.file_id WHERE entry.session_id = $1`;

/** Every statement on `workspace_entries`. An entry refers to a file of its own session. */
@Injectable()
export class ManifestRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** By path. */
  async list(sessionId: string, manager = this.dataSource.manager): Promise<ManifestEntry[]> {
    return manager.query<ManifestEntry[]>(`${SELECT_ENTRIES} ORDER BY entry.path COLLATE "C"`, [sessionId]);
  }

  async find(sessionId: string, path: string): Promise<ManifestEntry | undefined> {
    const rows = await this.dataSource.query<ManifestEntry[]>(`${SELECT_ENTRIES} AND entry.path = $2`, [
      sessionId,
      path,
    ]);
    return rows[0];
  }

  /** What the session chose for its sandbox: the kind, if it chose one, and the hosts it may reach. */
  async sandboxChoice(sessionId: string): Promise<SandboxChoice> {
    const [row] = await this.dataSource.query<{ sandbox_profile: string | null; egress: string[] }[]>(
      'SELECT sandbox_profile, egress FROM sessions WHERE id = $1',
      [sessionId],
    );
    const { sandbox_profile: profile = null, egress = [] } = row ?? {};
    return { ...(profile === null ? {} : { profile }), egress };
  }

  /** A file where `path` needs a folder, or a folder where it needs a file. */
  async findObstacle(sessionId: string, path: string): Promise<string | undefined> {
    const segments = path.split('/');
    const ancestors = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
    const [row] = await this.dataSource.query<{ path: string }[]>(
      `SELECT path FROM workspace_entries
       WHERE session_id = $1 AND (path = ANY ($2::text[]) OR starts_with(path, $3)) LIMIT 1`,
      [sessionId, ancestors, `${path}/`],
    );
    return row?.path;
  }

  /** All of it or nothing, and only while the run is worked in this generation; else rejects with FencedError. */
  async apply(
    change: ManifestChange,
    run: { readonly id: string; readonly generation: number },
  ): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const current = await manager.query<unknown[]>(
        `SELECT 1 FROM runs WHERE id = $1 AND generation = $2 AND state = 'running' FOR SHARE`,
        [run.id, run.generation],
      );
      if (current.length === 0) throw new FencedError(run.id);
      if (change.deletions.length > 0) {
        await manager.query(
          'DELETE FROM workspace_entries WHERE session_id = $1 AND path = ANY ($2::text[])',
          [change.sessionId, change.deletions],
        );
      }
      await this.upsert(manager, change.sessionId, change.upserts);
    });
  }

  /** False when the path is taken. */
  async insertNew(manager: EntityManager, sessionId: string, path: string, fileId: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `INSERT INTO workspace_entries (session_id, path, file_id)
       SELECT $1, $2, $3 WHERE NOT EXISTS
         (SELECT 1 FROM workspace_entries WHERE session_id = $1 AND starts_with(path, $4))
       ON CONFLICT DO NOTHING RETURNING 1`,
      [sessionId, path, fileId, `${path}/`],
    );
    return rows.length > 0;
  }

  /** The same tree in another session of the same owner: new rows, shared content. */
  async copy(manager: EntityManager, fromSession: string, toSession: string): Promise<void> {
    const entries = await manager.query<{ file_id: string }[]>(
      `SELECT entry.file_id FROM workspace_entries entry JOIN files file ON file.id = entry.file_id
       WHERE entry.session_id = $1 ORDER BY entry.path FOR KEY SHARE OF file`,
      [fromSession],
    );
    const oldIds = entries.map((entry) => entry.file_id);
    const ids = [oldIds, oldIds.map(() => newId('file'))];
    await manager.query(
      `INSERT INTO files (id, owner, session_id, run_id, tool_call_id, name, mime_type, is_text, bytes, sha256,
         purpose, source)
       SELECT pair.new_id, owner, $1, NULL, NULL, name, mime_type, is_text, bytes, sha256, purpose, source
       FROM unnest($2::text[], $3::text[]) AS pair (old_id, new_id) JOIN files ON files.id = pair.old_id`,
      [toSession, ...ids],
    );
    await manager.query(
      `INSERT INTO workspace_entries (session_id, path, file_id, executable, modified_at)
       SELECT $1, path, pair.new_id, executable, modified_at
       FROM unnest($2::text[], $3::text[]) AS pair (old_id, new_id)
       JOIN workspace_entries entry ON entry.file_id = pair.old_id AND entry.session_id = $4`,
      [toSession, ...ids, fromSession],
    );
  }

  /** Whether an earlier call of the session has run in a sandbox. */
  async hasUsedSandbox(sessionId: string, exceptCallId: string): Promise<boolean> {
    const rows = await this.dataSource.query<unknown[]>(
      `SELECT 1 FROM tool_calls WHERE session_id = $1 AND id <> $2 AND name IN ('python', 'terminal')
       AND started_at IS NOT NULL LIMIT 1`,
      [sessionId, exceptCallId],
    );
    return rows.length > 0;
  }

  private async upsert(
    manager: EntityManager,
    sessionId: string,
    upserts: ManifestChange['upserts'],
  ): Promise<void> {
    if (upserts.length === 0) return;
    await manager.query(
      `INSERT INTO workspace_entries (session_id, path, file_id, executable)
       SELECT $1, item.path, item.file_id, item.executable
       FROM unnest($2::text[], $3::text[], $4::boolean[]) AS item (path, file_id, executable)
       ORDER BY item.path
       ON CONFLICT (session_id, path)
       DO UPDATE SET file_id = excluded.file_id, executable = excluded.executable, modified_at = now()`,
      [
        sessionId,
        upserts.map((item) => item.path),
        upserts.map((item) => item.fileId),
        upserts.map((item) => item.executable),
      ],
    );
  }
}
