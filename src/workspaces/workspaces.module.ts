import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { ManifestRepository } from './manifest.repository.js';
import { SandboxMirror } from './sandbox-mirror.js';
import { WorkspaceService } from './workspace.service.js';

/** Needs `DataSource`, `CONFIG` and `SANDBOX_PROVIDER` from global modules. */
@Module({
  imports: [FilesModule],
  providers: [ManifestRepository, SandboxMirror, WorkspaceService],
  exports: [WorkspaceService],
})
export class WorkspacesModule {}
