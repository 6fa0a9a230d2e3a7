import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../errors.js';
import type { FileObject } from '../events/event.js';
import { FileService, INLINE_BYTES } from '../files/file.service.js';
import { checkWorkspacePath } from '../workspaces/workspace-path.js';
import { WorkspaceService } from '../workspaces/workspace.service.js';
import { PathTree } from './path-tree.js';
import { MAX_EXPORTED_CONTENT_BYTES } from './session-export.js';
import type { ExportedFile } from './session-export.js';

/** How a session's files leave with it, come in with it, and go to a fork. */
@Injectable()
export class SessionFilesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly files: FileService,
    private readonly workspaces: WorkspaceService,
  ) {}

  /** Metadata only, oldest first. */
  async list(sessionId: string): Promise<FileObject[]> {
    const files = await this.files.listBySession(sessionId);
    return Promise.all(files.map((file) => this.files.toObject(file, { inline: false })));
  }

  /** With bodies up to 8 MiB each and 64 MiB in all, oldest first. */
  async export(sessionId: string): Promise<ExportedFile[]> {
    const places = await this.placesByFile(sessionId);
    const exported: ExportedFile[] = [];
    let left = MAX_EXPORTED_CONTENT_BYTES;
    for (const file of await this.files.listBySession(sessionId)) {
      const bytes = Number(file.bytes);
      const inline = bytes <= INLINE_BYTES && bytes <= left;
      if (inline) left -= bytes;
      exported.push({ ...(await this.files.toObject(file, { inline })), ...places.get(file.id) });
    }
    return exported;
  }

  /** Ids as exported to ids as stored. Files that came without their body are left out. */
  async import(
    owner: string,
    sessionId: string,
    files: readonly ExportedFile[],
    manager: EntityManager,
  ): Promise<Map<string, string>> {
    const stored = new Map<string, string>();
    const tree = new PathTree();
    for (const [index, file] of files.entries()) {
      const content = contentOf(file);
      if (content === undefined) continue;
      if (stored.has(file.id)) throw badFile(index, 'id', 'is there twice');
      const path = file.path === undefined ? undefined : requirePath(file.path, index);
      const row = await this.files.store(
        {
          owner,
          sessionId,
          content,
          name: file.name,
          purpose: file.purpose,
          ...(file.source === undefined ? {} : { source: file.source }),
        },
        manager,
      );
      stored.set(file.id, row.id);
      if (path === undefined) continue;
      if (!tree.add(path)) throw badFile(index, 'path', 'is taken by another file or folder');
      await manager.query(
        'INSERT INTO workspace_entries (session_id, path, file_id, executable) VALUES ($1, $2, $3, $4)',
        [sessionId, path, row.id, file.executable ?? false],
      );
    }
    return stored;
  }

  /** The working directory as it is now, and every file of `named`; ids there to ids here. */
  async copy(
    fromSession: string,
    toSession: string,
    named: readonly string[],
    manager: EntityManager,
  ): Promise<Map<string, string>> {
    await this.workspaces.copyWorkspace(fromSession, toSession, manager);
    const pairs = await manager.query<{ old_id: string; new_id: string }[]>(
      `SELECT old.file_id AS old_id, new.file_id AS new_id FROM workspace_entries old
       JOIN workspace_entries new ON new.path = old.path AND new.session_id = $2 WHERE old.session_id = $1`,
      [fromSession, toSession],
    );
    const copies = new Map(pairs.map((pair) => [pair.old_id, pair.new_id]));
    const wanted = new Set(named);
    const missing = (await this.files.listBySession(fromSession, manager)).filter(
      (file) => wanted.has(file.id) && !copies.has(file.id),
    );
    for (const file of missing) {
      const { owner, name, purpose, source } = file;
      const facts = { owner, sessionId: toSession, name, purpose, ...(source === null ? {} : { source }) };
      copies.set(file.id, (await this.files.duplicate(manager, file, facts)).id);
    }
    return copies;
  }

  async remove(sessionId: string, manager: EntityManager): Promise<void> {
    await this.files.removeBySession(sessionId, manager);
  }

  private async placesByFile(
    sessionId: string,
  ): Promise<Map<string, Pick<ExportedFile, 'path' | 'executable'>>> {
    const rows = await this.dataSource.query<{ file_id: string; path: string; executable: boolean }[]>(
      'SELECT file_id, path, executable FROM workspace_entries WHERE session_id = $1',
      [sessionId],
    );
    return new Map(
      rows.map(({ file_id, path, executable }) => [file_id, executable ? { path, executable } : { path }]),
    );
  }
}

function contentOf(file: ExportedFile): Buffer | undefined {
  if (file.data_base64 !== undefined) return Buffer.from(file.data_base64, 'base64');
  return file.text === undefined ? undefined : Buffer.from(file.text, 'utf8');
}

function requirePath(input: string, index: number): string {
  const check = checkWorkspacePath(input);
  if (!check.ok) throw badFile(index, 'path', check.problem);
  return check.path;
}

function badFile(index: number, field: string, problem: string): DomainError {
  const param = `files[${index}].${field}`;
  return new DomainError('invalid_request', `\`${param}\` ${problem}.`, { reason: 'bad_export', param });
}
