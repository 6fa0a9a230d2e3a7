import { Injectable } from '@nestjs/common';
import { DomainError } from '../errors.js';
import { WorkspaceService } from '../workspaces/workspace.service.js';
import { displayName } from './file-name.js';
import type { UploadFileRequest } from './file-request.js';
import type { StoredFile } from './file.entity.js';
import { FileService } from './file.service.js';
import type { Upload } from './upload-storage.js';

/** Makes what a client sent a file of its own and, if asked, one of a session's working directory. */
@Injectable()
export class UploadService {
  constructor(
    private readonly files: FileService,
    private readonly workspaces: WorkspaceService,
  ) {}

  /** Rejects with `invalid_request` where nothing was sent, with `not_found` for another's session. */
  async keep(owner: string, upload: Upload | undefined, request: UploadFileRequest): Promise<StoredFile> {
    if (upload === undefined) {
      throw new DomainError(
        'invalid_request',
        'Send the content as the form field `file`, with a file name.',
        {
          reason: 'missing_file',
          param: 'file',
        },
      );
    }
    const { purpose, session_id: sessionId } = request;
    if (sessionId !== undefined) await this.requireSession(owner, sessionId, upload);
    const name = displayName(upload.originalname);
    const session = sessionId === undefined ? {} : { sessionId };
    const file = await this.files.adopt(upload.staged, { owner, name, purpose, ...session });
    if (sessionId === undefined) return file;
    try {
      await this.workspaces.mount(sessionId, owner, [file.id]);
    } catch (error) {
      await this.files.removeFiles([file]);
      throw error;
    }
    return file;
  }

  private async requireSession(owner: string, sessionId: string, upload: Upload): Promise<void> {
    try {
      await this.files.requireSession(owner, sessionId);
    } catch (error) {
      await this.files.discard(upload.staged);
      throw error;
    }
  }
}
