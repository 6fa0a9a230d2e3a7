import type { FileObject } from '../events/event.js';
import { newId } from '../ids.js';
import { displayName, displayPath, extensionOf } from './file-name.js';
import type { StoredFile } from './file.entity.js';

export type FileSource = NonNullable<StoredFile['source']>;

/** What `/v1/files` answers: OpenAI's file object and the protocol's, without a body. */
export interface FileMetadata {
  readonly id: string;
  readonly object: 'file';
  readonly bytes: number;
  /** Unix seconds. */
  readonly created_at: number;
  readonly filename: string;
  readonly name: string;
  readonly purpose: string;
  readonly status: 'processed';
  readonly format?: string;
  readonly mime_type: string;
  readonly sha256: string;
  readonly session_id?: string;
  readonly source?: FileSource;
}

export function toMetadata(file: StoredFile): FileMetadata {
  const format = extensionOf(file.name);
  return {
    id: file.id,
    object: 'file',
    bytes: Number(file.bytes),
    created_at: toUnixSeconds(file.createdAt),
    filename: displayName(file.name),
    name: file.name,
    purpose: file.purpose,
    status: 'processed',
    ...(format === undefined ? {} : { format }),
    mime_type: file.mimeType,
    sha256: file.sha256.toString('hex'),
    ...(file.sessionId === null ? {} : { session_id: file.sessionId }),
    ...(file.source === null ? {} : { source: file.source }),
  };
}

/** The protocol's File without its content. */
export function toBareObject(file: StoredFile): FileObject {
  const format = extensionOf(file.name);
  return {
    id: file.id,
    object: 'file',
    name: file.name,
    ...(format === undefined ? {} : { format }),
    mime_type: file.mimeType,
    bytes: Number(file.bytes),
    created_at: toUnixSeconds(file.createdAt),
    purpose: file.purpose,
    ...(file.source === null ? {} : { source: file.source }),
  };
}

export type MissingFileCode = 'not_produced' | 'too_large' | 'unreadable' | 'too_many_files' | 'storage_full';

/** Stands in a file's place where there is none; its id names nothing that can be fetched. */
export function missingFile(
  name: string,
  problem: { readonly code: MissingFileCode; readonly message: string; readonly bytes?: number },
  source?: FileSource,
): FileObject {
  return {
    id: newId('file'),
    object: 'file',
    name: displayPath(name),
    bytes: problem.bytes ?? 0,
    created_at: toUnixSeconds(new Date()),
    purpose: 'agent_output',
    ...(source === undefined ? {} : { source }),
    code: problem.code,
    message: problem.message,
  };
}

/** A declared output that the run did not make. */
export function notProduced(name: string, source?: FileSource): FileObject {
  return missingFile(
    name,
    { code: 'not_produced', message: `The file ${displayPath(name)} was not produced.` },
    source,
  );
}

function toUnixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
