import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { ApprovalExpiry } from '../approvals/approval-expiry.js';
import { ApprovalService } from '../approvals/approval.service.js';
import { RuleService } from '../approvals/rule.service.js';
import { DatabaseServer } from '../database/database.module.js';
import { FilesModule } from '../files/files.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { ClientToolResults } from './client-tool-results.js';
import { ConversationRuns } from './conversation-runs.js';
import { RunCancel } from './run-cancel.js';
import { RunCreation } from './run-creation.js';
import { RunQueue } from './run-queue.js';
import { RunService, RunServiceParts } from './run.service.js';

/** Making, steering, approving and cancelling runs. Working them is `RunWorkerModule`. */
@Global()
@Module({
  imports: [FilesModule, SessionsModule, WorkspacesModule],
  providers: [
    {
      provide: RunQueue,
      inject: [DatabaseServer, PinoLogger],
      useFactory: async ({ url }: DatabaseServer, logger: PinoLogger) => {
        const queue = new RunQueue(url, logger);
        await queue.start();
        return queue;
      },
    },
    RunCreation,
    ConversationRuns,
    RunCancel,
    ClientToolResults,
    RunServiceParts,
    RunService,
    ApprovalService,
    ApprovalExpiry,
    RuleService,
  ],
  exports: [RunQueue, RunService, ConversationRuns, ApprovalService, ApprovalExpiry, RuleService],
})
export class RunsModule implements BeforeApplicationShutdown {
  constructor(@Inject(RunQueue) private readonly queue: RunQueue) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.close(1000);
  }
}
