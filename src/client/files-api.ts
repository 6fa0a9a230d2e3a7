import { z } from 'zod';
import { fileObjectSchema } from '../events/event.js';
import type { HttpApi } from './http-api.js';

/** A file without its content. */
export const fileMetadataSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  bytes: z.number().int(),
  purpose: z.string(),
  mime_type: z.string().optional(),
});
export type FileMetadata = z.infer<typeof fileMetadataSchema>;

const fileListSchema = z.object({ data: z.array(fileMetadataSchema) });
const sessionFilesSchema = z.object({ data: z.array(fileObjectSchema) });

export interface UploadOptions {
  /** Puts the file into this session's working directory too. */
  readonly sessionId?: string;
  readonly mimeType?: string;
}

/** Bytes of a file, both ends included, as in an HTTP range. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export class FilesApi {
  constructor(private readonly http: HttpApi) {}

  upload(
    name: string,
    content: Blob | Uint8Array<ArrayBuffer>,
    options: UploadOptions = {},
  ): Promise<FileMetadata> {
    const form = new FormData();
    if (options.sessionId !== undefined) form.set('session_id', options.sessionId);
    const type = options.mimeType ?? 'application/octet-stream';
    form.set('file', content instanceof Blob ? content : new Blob([content], { type }), name);
    return this.http.json('/v1/files', fileMetadataSchema, { method: 'POST', form });
  }

  async list(
    options: { readonly sessionId?: string; readonly limit?: number } = {},
  ): Promise<FileMetadata[]> {
    const query = { session_id: options.sessionId, limit: options.limit };
    return (await this.http.json('/v1/files', fileListSchema, { query })).data;
  }

  /** Those of one session, small ones with their content. */
  async ofSession(sessionId: string): Promise<z.infer<typeof fileObjectSchema>[]> {
    return (await this.http.json(`/v1/sessions/${encodeURIComponent(sessionId)}/files`, sessionFilesSchema))
      .data;
  }

  get(fileId: string): Promise<FileMetadata> {
    return this.http.json(pathOf(fileId), fileMetadataSchema);
  }

  /** The content as a stream; `range` for a part of it. */
  async content(fileId: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` };
    const { body } = await this.http.send(`${pathOf(fileId)}/content`, { headers });
    return body ?? new ReadableStream({ start: (controller) => controller.close() });
  }

  async remove(fileId: string): Promise<void> {
    await this.http.send(pathOf(fileId), { method: 'DELETE' });
  }
}

function pathOf(fileId: string): string {
  return `/v1/files/${encodeURIComponent(fileId)}`;
}
