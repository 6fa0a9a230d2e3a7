import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventLog } from '../events/event-log.js';
import type { GantryEvent } from '../events/event.js';
import { FileService } from './file.service.js';

/** The log keeps what a file is; its body (up to 8 MiB) is put in when the event is read. */
@Injectable()
export class FileEventHydrator implements OnModuleInit {
  constructor(
    private readonly log: EventLog,
    private readonly files: FileService,
  ) {}

  onModuleInit(): void {
    this.log.useHydrator((events) => Promise.all(events.map((event) => this.hydrate(event))));
  }

  /** A file that was deleted since, or an error placeholder, stays as the log has it. */
  private async hydrate(event: GantryEvent): Promise<GantryEvent> {
    if (event.type !== 'file' || event.file.code !== undefined) return event;
    const [file] = await this.files.findMany([event.file.id]);
    if (!file) return event;
    const body = await this.files.toObject(file, { inline: true }).catch(() => event.file);
    return { ...event, file: { ...event.file, ...body } };
  }
}
