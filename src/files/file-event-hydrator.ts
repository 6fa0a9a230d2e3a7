import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventLog } from '../events/event-log.js';
import type { FileObject, GantryEvent, PayloadOf } from '../events/event.js';
import type { StoredFile } from './file.entity.js';
import { FileService, INLINE_BYTES } from './file.service.js';

/** Bodies put into one batch of events, all together; a replay may hold hundreds of large files. */
const BATCH_BYTES = 32 * 1024 * 1024;

/**
 * The log keeps what a file is; its body (up to 8 MiB) is put in when the event is read. Past 32 MiB a
 * batch, files come without theirs and are fetched by id.
 */
@Injectable()
export class FileEventHydrator implements OnModuleInit {
  constructor(
    private readonly log: EventLog,
    private readonly files: FileService,
  ) {}

  onModuleInit(): void {
    this.log.useHydrator((events) => this.hydrateAll(events));
  }

  private async hydrateAll(events: readonly GantryEvent[]): Promise<readonly GantryEvent[]> {
    const ids = events.flatMap((event) => (isStored(event) ? [event.file.id] : []));
    if (ids.length === 0) return events;
    const files = new Map((await this.files.findMany(ids)).map((file) => [file.id, file]));
    const hydrated: GantryEvent[] = [];
    let left = BATCH_BYTES;
    for (const event of events) {
      const file = isStored(event) ? files.get(event.file.id) : undefined;
      if (event.type === 'file' && file !== undefined && Number(file.bytes) <= Math.min(left, INLINE_BYTES)) {
        left -= Number(file.bytes);
        hydrated.push({ ...event, file: { ...event.file, ...(await this.body(file)) } });
      } else hydrated.push(event);
    }
    return hydrated;
  }

  /** A file that is deleted at this very moment stays as the log has it. */
  private async body(file: StoredFile): Promise<Partial<FileObject>> {
    return this.files.toObject(file, { inline: true }).catch(() => ({}));
  }
}

/** An error placeholder names no stored file. */
function isStored(event: GantryEvent): event is GantryEvent & PayloadOf<'file'> {
  return event.type === 'file' && event.file.code === undefined;
}
