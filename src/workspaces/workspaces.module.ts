import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { ManifestRepository } from './manifest.repository.js';
import { SandboxMirror } from './sandbox-mirror.js';
import { SessionTraces } from './session-traces.js';
import { WorkspaceService } from './workspace.service.js';

/** Needs `DataSource`, `EventBus`, `CONFIG`, `SANDBOX_PROVIDER` and `IsolatePool` from global modules. */
@Module({
  imports: [FilesModule],
  providers: [ManifestRepository, SandboxMirror, SessionTraces, WorkspaceService],
  exports: [SessionTraces, WorkspaceService],
})
export class WorkspacesModule {}
