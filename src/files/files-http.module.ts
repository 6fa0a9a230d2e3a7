import { Module } from '@nestjs/common';
import { MulterModule } from '@nestjs/platform-express';
import { CONFIG, type Config } from '../config/config.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { FileController } from './file.controller.js';
import { FileService } from './file.service.js';
import { FilesModule } from './files.module.js';
import { UploadStorage } from './upload-storage.js';
import { UploadService } from './upload.service.js';

/** `/v1/files`. Apart from FilesModule, for an upload may go into a working directory, and those are made of files. */
@Module({
  imports: [
    FilesModule,
    WorkspacesModule,
    MulterModule.registerAsync({
      imports: [FilesModule],
      inject: [FileService, CONFIG],
      useFactory: (files: FileService, { files: { maxUploadBytes } }: Config) => ({
        storage: new UploadStorage(files, maxUploadBytes),
        limits: {
          fileSize: maxUploadBytes,
          files: 1,
          fields: 8,
          parts: 10,
          fieldSize: 4096,
          fieldNameSize: 64,
        },
        defParamCharset: 'utf8',
        // Names are made safe in one place, `displayName`.
        preservePath: true,
      }),
    }),
  ],
  controllers: [FileController],
  providers: [UploadService],
})
export class FilesHttpModule {}
