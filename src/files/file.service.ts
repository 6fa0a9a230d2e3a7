import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import type { FileObject } from '../events/event.js';
import { newId } from '../ids.js';
import { BlobStore, type BlobContent, type StagedBlob } from './blob-store.js';
import { detectContentType } from './content-type.js';
import { displayPath, truncateUtf8 } from './file-name.js';
import { toBareObject, type FileSource } from './file-object.js';
import { StoredFile } from './file.entity.js';
import { FileRepository, type FilePage } from './file.repository.js';

/** Content up to this size travels inside events and responses. */
export const INLINE_BYTES = 8 * 1024 * 1024;
export const PREVIEW_BYTES = 1024;

/** What a file is besides its content. */
export interface FileFacts {
  readonly owner: string;
  readonly sessionId?: string;
  readonly runId?: string;
  readonly toolCallId?: string;
  /** A name or a relative path, hostile. */
  readonly name: string;
  /** `user_data`, `agent_output` or a word of the client's. */
  readonly purpose: string;
  readonly source?: FileSource;
}

export interface StoreFileInput extends FileFacts {
  readonly content: BlobContent;
  /** Default: the limit of uploads. */
  readonly maxBytes?: number;
}

@Injectable()
export class FileService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly blobs: BlobStore,
    private readonly repository: FileRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Stores content and row, in the caller's transaction or in one of its own. Rejects with `too_large`
   * and `storage_full`, also when the session's own limit is reached.
   */
  async store(input: StoreFileInput, manager?: EntityManager): Promise<StoredFile> {
    const staged = await this.blobs.stage(
      input.content,
      input.maxBytes ?? this.config.files.maxUploadBytes,
      manager,
    );
    return manager === undefined ? this.adopt(staged, input) : this.insert(manager, staged, input);
  }

  /** As `store`; undefined, and nothing stored, when the content's digest is `knownSha256`. */
  async storeChanged(
    input: StoreFileInput,
    knownSha256: Buffer | undefined,
  ): Promise<StoredFile | undefined> {
    const staged = await this.stage(input.content, input.maxBytes);
    if (knownSha256 === undefined || !staged.sha256.equals(knownSha256)) return this.adopt(staged, input);
    await this.blobs.discard(staged);
    return undefined;
  }

  /** Content ahead of its facts; ends in `adopt` or in `discard`. */
  async stage(content: BlobContent, maxBytes = this.config.files.maxUploadBytes): Promise<StagedBlob> {
    return this.blobs.stage(content, maxBytes);
  }

  async discard(staged: StagedBlob): Promise<void> {
    await this.blobs.discard(staged);
  }

  /** Makes staged content a file, in a transaction of its own; content that cannot be adopted is discarded. */
  async adopt(staged: StagedBlob, facts: FileFacts): Promise<StoredFile> {
    try {
      return await this.dataSource.transaction((manager) => this.insert(manager, staged, facts));
    } catch (error) {
      await this.blobs.discard(staged);
      throw error;
    }
  }

  /** Another file with the same content, e.g. an upload taken into a session. */
  async duplicate(manager: EntityManager, file: StoredFile, facts: FileFacts): Promise<StoredFile> {
    // The original's row is locked, so its content stays until the copy refers to it.
    const rows = await manager.query<unknown[]>('SELECT 1 FROM files WHERE id = $1 FOR KEY SHARE', [file.id]);
    if (rows.length === 0) throw fileNotFound(file.id);
    const copy = makeFile(facts, file);
    await this.requireRoom(manager, copy);
    await this.repository.insert(manager, copy);
    return copy;
  }

  /** `not_found` for unknown files and for someone else's alike. */
  async requireReadable(principal: string, fileId: string): Promise<StoredFile> {
    const file = await this.repository.find(principal, fileId);
    if (file === undefined) throw fileNotFound(fileId);
    return file;
  }

  async list(principal: string, page: FilePage): Promise<{ files: StoredFile[]; hasMore: boolean }> {
    const files = await this.repository.page(principal, { ...page, limit: page.limit + 1 });
    return { files: files.slice(0, page.limit), hasMore: files.length > page.limit };
  }

  async listBySession(sessionId: string, manager?: EntityManager): Promise<StoredFile[]> {
    return this.repository.listBySession(sessionId, manager);
  }

  /** In the order of `fileIds`; those that do not exist are left out. Checks no owner. */
  async findMany(fileIds: readonly string[]): Promise<StoredFile[]> {
    const found = new Map((await this.repository.findMany(fileIds)).map((file) => [file.id, file]));
    return fileIds.flatMap((id) => found.get(id) ?? []);
  }

  /** Deletes the file, its place in working directories, and content that nothing else refers to. */
  async remove(principal: string, fileId: string): Promise<void> {
    const file = await this.requireReadable(principal, fileId);
    await this.removeFiles([file]);
  }

  /** For those whose right to delete was checked. */
  async removeFiles(files: readonly StoredFile[]): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const digests = await this.repository.remove(
        manager,
        files.map((file) => file.id),
      );
      await this.blobs.removeUnreferenced(manager, digests);
    });
  }

  /** In the transaction that deletes a session, before its row: its files with their content. */
  async removeBySession(sessionId: string, manager: EntityManager): Promise<void> {
    const files = await this.repository.listBySession(sessionId, manager);
    const digests = await this.repository.remove(
      manager,
      files.map((file) => file.id),
    );
    await this.blobs.removeUnreferenced(manager, digests);
  }

  async requireSession(principal: string, sessionId: string): Promise<void> {
    if (await this.repository.ownsSession(principal, sessionId)) return;
    throw new DomainError('not_found', `There is no session ${sessionId.slice(0, 64)}.`, {
      reason: 'session_not_found',
      param: 'session_id',
    });
  }

  /** The bytes from `start` up to `end`, in pieces of 1 MiB at most. */
  open(
    file: Pick<StoredFile, 'sha256' | 'bytes'>,
    start = 0,
    end = Number(file.bytes),
  ): AsyncGenerator<Buffer> {
    return this.blobs.read(file.sha256, start, end);
  }

  /** The whole content; rejects with `too_large` past `maxBytes`. */
  async readAll(file: Pick<StoredFile, 'name' | 'sha256' | 'bytes'>, maxBytes: number): Promise<Buffer> {
    if (Number(file.bytes) > maxBytes) {
      throw new DomainError(
        'too_large',
        `${file.name} has ${file.bytes} bytes; ${maxBytes} can be read at once.`,
        {
          reason: 'file_too_large',
          details: { bytes: Number(file.bytes), max_bytes: maxBytes },
        },
      );
    }
    return concatenate(this.open(file));
  }

  /**
   * The protocol's File: a text's preview always; with `inline` also the body of files up to 8 MiB, as
   * `text` or `data_base64`.
   */
  async toObject(file: StoredFile, options: { readonly inline: boolean }): Promise<FileObject> {
    const bare = toBareObject(file);
    const inline = options.inline && Number(file.bytes) <= INLINE_BYTES;
    if (!file.isText) {
      return inline
        ? { ...bare, data_base64: (await this.readAll(file, INLINE_BYTES)).toString('base64') }
        : bare;
    }
    if (!inline) return { ...bare, preview: await this.preview(file) };
    const text = (await this.readAll(file, INLINE_BYTES)).toString('utf8');
    return { ...bare, text, preview: truncateUtf8(text, PREVIEW_BYTES) };
  }

  /** Files stored at the same moment may pass the limit by what they hold; the next one is refused. */
  private async requireRoom(manager: EntityManager, file: StoredFile): Promise<void> {
    if (file.sessionId === null) return;
    const { sessionStorageBytes } = this.config.files;
    const held = await this.repository.sessionBytes(manager, file.sessionId);
    if (held + Number(file.bytes) <= sessionStorageBytes) return;
    throw new DomainError(
      'storage_full',
      `This session keeps ${held} bytes of files, earlier versions included; ${file.bytes} more would pass its ` +
        `limit of ${sessionStorageBytes}. Delete files of the session first.`,
      {
        reason: 'session_storage_full',
        details: { bytes: Number(file.bytes), held_bytes: held, max_bytes: sessionStorageBytes },
      },
    );
  }

  private async preview(file: StoredFile): Promise<string> {
    // Up to three bytes more than shown, to see where the last character ends.
    const beginning = this.open(file, 0, Math.min(Number(file.bytes), PREVIEW_BYTES + 3));
    return truncateUtf8((await concatenate(beginning)).toString('utf8'), PREVIEW_BYTES);
  }

  private async insert(manager: EntityManager, staged: StagedBlob, facts: FileFacts): Promise<StoredFile> {
    const type = await detectContentType(staged.head, staged.isUtf8, facts.name);
    const file = makeFile(facts, { ...type, bytes: String(staged.bytes), sha256: staged.sha256 });
    await this.requireRoom(manager, file);
    await this.blobs.commit(manager, staged);
    await this.repository.insert(manager, file);
    return file;
  }
}

function makeFile(
  facts: FileFacts,
  content: Pick<StoredFile, 'mimeType' | 'isText' | 'bytes' | 'sha256'>,
): StoredFile {
  return Object.assign(new StoredFile(), {
    id: newId('file'),
    owner: facts.owner,
    sessionId: facts.sessionId ?? null,
    runId: facts.runId ?? null,
    toolCallId: facts.toolCallId ?? null,
    name: displayPath(facts.name),
    mimeType: content.mimeType,
    isText: content.isText,
    bytes: content.bytes,
    sha256: content.sha256,
    purpose: facts.purpose,
    source: facts.source ?? null,
    createdAt: new Date(),
    deletedAt: null,
  });
}

function fileNotFound(fileId: string): DomainError {
  return new DomainError('not_found', `There is no file ${fileId.slice(0, 64)}.`, {
    reason: 'file_not_found',
    param: 'file_id',
  });
}

async function concatenate(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
