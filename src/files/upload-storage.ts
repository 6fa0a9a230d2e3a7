import type { Readable } from 'node:stream';
import { callbackify } from 'node:util';
import type { StagedBlob } from './blob-store.js';
import type { FileService } from './file.service.js';

/** What a request handler gets of an uploaded file. */
export interface Upload {
  /** The client's name for it, hostile. */
  readonly originalname: string;
  readonly staged: StagedBlob;
}

interface IncomingFile {
  readonly stream: Readable;
}

type Done<T> = (error: NodeJS.ErrnoException | null, result: T) => void;

/** Multer's storage engine onto the blob store: content is staged as it arrives, never held whole. */
export class UploadStorage {
  constructor(
    private readonly files: FileService,
    private readonly maxBytes: number,
  ) {}

  _handleFile(_request: unknown, file: IncomingFile, done: Done<{ staged: StagedBlob }>): void {
    callbackify(async () => ({ staged: await this.files.stage(file.stream, this.maxBytes) }))(done);
  }

  /** Called for an upload that failed after its content was staged. */
  _removeFile(_request: unknown, file: Partial<Upload>, done: Done<void>): void {
    callbackify(async () => file.staged && this.files.discard(file.staged))(done);
  }
}
