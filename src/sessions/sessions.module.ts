import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { ConversationService } from './conversation.service.js';
import { HistoryRepository } from './history.repository.js';
import { SessionEventsController } from './session-events.controller.js';
import { SessionEventsService } from './session-events.service.js';
import { SessionFilesService } from './session-files.service.js';
import { SessionTransferService } from './session-transfer.service.js';
import { SessionController } from './session.controller.js';
import { SessionRepository } from './session.repository.js';
import { SessionService } from './session.service.js';
import { UnusedSessions } from './unused-sessions.js';

/** Needs `DataSource`, `EventLog`, `CONFIG`, `SANDBOX_PROVIDER` and `IsolatePool` from global modules. */
@Module({
  imports: [FilesModule, WorkspacesModule],
  controllers: [SessionController, SessionEventsController],
  providers: [
    SessionRepository,
    SessionService,
    HistoryRepository,
    SessionFilesService,
    SessionTransferService,
    SessionEventsService,
    ConversationService,
    UnusedSessions,
  ],
  exports: [ConversationService, SessionService, SessionTransferService],
})
export class SessionsModule {}
