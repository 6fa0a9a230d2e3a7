import { Module } from '@nestjs/common';
import { Attachments } from './attachments.js';
import { BlobStore } from './blob-store.js';
import { FileEventHydrator } from './file-event-hydrator.js';
import { FileRepository } from './file.repository.js';
import { FileService } from './file.service.js';
import { LeftoverContent } from './leftover-content.js';

/** Needs `DataSource`, `EventLog` and `CONFIG` from global modules. */
@Module({
  providers: [Attachments, BlobStore, FileRepository, FileService, FileEventHydrator, LeftoverContent],
  exports: [Attachments, BlobStore, FileService],
})
export class FilesModule {}
