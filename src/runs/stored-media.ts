import type { DataSource } from 'typeorm';
import type { ShownMedia } from '../agent/ports.js';
import type { Shown } from '../agent/snapshot.js';
import { type Media, mediaTypeOf } from '../engine/media.js';
import { detectContentType } from '../files/content-type.js';
import { MAX_SHOWN_BYTES } from '../files/attachments.js';
import type { FileService } from '../files/file.service.js';

/** What messages show, from the files and the calls' results that they name. */
export class StoredMedia implements ShownMedia {
  constructor(
    private readonly dataSource: DataSource,
    private readonly files: FileService,
  ) {}

  read(shown: Shown): Promise<readonly Media[]> {
    return shown.from === 'files' ? this.fromFiles(shown.fileIds) : this.fromResult(shown.callId);
  }

  private async fromFiles(fileIds: readonly string[]): Promise<readonly Media[]> {
    const found: Media[] = [];
    for (const file of await this.files.findMany(fileIds)) {
      const type = mediaTypeOf(file.mimeType);
      if (type === undefined || Number(file.bytes) > MAX_SHOWN_BYTES) continue;
      const data = (await this.files.readAll(file, MAX_SHOWN_BYTES)).toString('base64');
      found.push({ type, mimeType: file.mimeType, name: file.name, data });
    }
    return found;
  }

  private async fromResult(callId: string): Promise<readonly Media[]> {
    const [row] = await this.dataSource.query<{ images: string[] | null }[]>(
      'SELECT result_images AS images FROM tool_calls WHERE id = $1',
      [callId],
    );
    const found: Media[] = [];
    for (const [index, data] of (row?.images ?? []).entries()) {
      const head = Buffer.from(data.slice(0, 8192), 'base64');
      const { mimeType } = await detectContentType(head, false, '');
      const type = mediaTypeOf(mimeType);
      if (type !== undefined && data.length <= (MAX_SHOWN_BYTES / 3) * 4) {
        found.push({ type, mimeType, name: `picture ${index + 1}`, data });
      }
    }
    return found;
  }
}
