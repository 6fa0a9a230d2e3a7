import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';
import { displayName, numberedName } from '../files/file-name.js';
import type { StoredFile } from '../files/file.entity.js';
import { FileService } from '../files/file.service.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from '../sandbox/sandbox.js';
import { KeyedLock } from './keyed-lock.js';
import { ManifestRepository } from './manifest.repository.js';
import { SandboxMirror } from './sandbox-mirror.js';
import { SessionWorkspace, type WorkspaceScope } from './session-workspace.js';

const MAX_NAME_ATTEMPTS = 1000;

/** Sessions' working directories: a manifest in Postgres, see docs/decisions/0002-workspace-manifest.md. */
@Injectable()
export class WorkspaceService {
  private readonly sandboxLock = new KeyedLock();

  constructor(
    private readonly dataSource: DataSource,
    private readonly files: FileService,
    private readonly manifest: ManifestRepository,
    private readonly mirror: SandboxMirror,
    @Inject(SANDBOX_PROVIDER) private readonly sandboxes: SandboxProvider,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The working directory of one call. Calls of one session stand in line for its sandbox, in this process. */
  open(scope: WorkspaceScope): SessionWorkspace {
    const { files, manifest, mirror, sandboxes, sandboxLock } = this;
    const maxFileBytes = this.config.sandbox.workspaceBytes;
    return new SessionWorkspace({ files, manifest, mirror, sandboxes, sandboxLock, maxFileBytes }, scope);
  }

  /**
   * Puts the owner's files into the working directory, each under its own name or, where that is taken
   * by other content, a numbered one. A file that is there already is left alone. All of them or none.
   */
  async mount(sessionId: string, owner: string, fileIds: readonly string[]): Promise<void> {
    const files: StoredFile[] = [];
    for (const id of fileIds) files.push(await this.files.requireReadable(owner, id));
    await this.dataSource.transaction(async (manager) => {
      await this.lockOwnedSession(manager, sessionId, owner);
      for (const file of files) await this.mountOne(manager, sessionId, file);
    });
  }

  /** For a fork, in the transaction that makes the session: the tree as it is now. Rows only, no content. */
  async copyWorkspace(fromSession: string, toSession: string, manager: EntityManager): Promise<void> {
    await this.manifest.copy(manager, fromSession, toSession);
  }

  /** Ends the session's sandbox; the working directory stays. */
  async releaseSandbox(sessionId: string): Promise<void> {
    this.mirror.forget(sessionId);
    await this.sandboxes.release(sessionId);
  }

  private async lockOwnedSession(manager: EntityManager, sessionId: string, owner: string): Promise<void> {
    const rows = await manager.query<unknown[]>(
      'SELECT 1 FROM sessions WHERE id = $1 AND owner = $2 FOR NO KEY UPDATE',
      [sessionId, owner],
    );
    if (rows.length > 0) return;
    throw new DomainError('not_found', `There is no session ${sessionId.slice(0, 64)}.`, {
      reason: 'session_not_found',
      param: 'session_id',
    });
  }

  private async mountOne(manager: EntityManager, sessionId: string, file: StoredFile): Promise<void> {
    const name = displayName(file.name);
    const entries = new Map(
      (await this.manifest.list(sessionId, manager)).map((entry) => [entry.path, entry]),
    );
    let own: StoredFile | undefined;
    for (let number = 1; number <= MAX_NAME_ATTEMPTS; number += 1) {
      const path = number === 1 ? name : numberedName(name, number);
      const taken = entries.get(path);
      if (taken?.sha256.equals(file.sha256)) return;
      if (taken !== undefined) continue;
      own ??= await this.ownCopy(manager, sessionId, file);
      if (await this.manifest.insertNew(manager, sessionId, path, own.id)) return;
    }
    throw new DomainError('conflict', `The working directory has too many files called ${name}.`, {
      reason: 'name_taken',
    });
  }

  /** An entry refers to a file of its own session, so that each lives and goes by itself. */
  private async ownCopy(manager: EntityManager, sessionId: string, file: StoredFile): Promise<StoredFile> {
    if (file.sessionId === sessionId) return file;
    const { owner, name, purpose } = file;
    return this.files.duplicate(manager, file, { owner, sessionId, name, purpose });
  }
}
