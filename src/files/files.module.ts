import { Module } from '@nestjs/common';
import { BlobStore } from './blob-store.js';
import { FileRepository } from './file.repository.js';
import { FileService } from './file.service.js';

/** Needs `DataSource` and `CONFIG` from global modules. */
@Module({ providers: [BlobStore, FileRepository, FileService], exports: [BlobStore, FileService] })
export class FilesModule {}
