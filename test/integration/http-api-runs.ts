import { Global, Module } from '@nestjs/common';
import { z } from 'zod';
import { ApprovalService } from '../../src/approvals/approval.service.js';
import { RuleService } from '../../src/approvals/rule.service.js';
import { ClientToolResults } from '../../src/runs/client-tool-results.js';
import { ConversationRuns } from '../../src/runs/conversation-runs.js';
import { RunCancel } from '../../src/runs/run-cancel.js';
import { RunCreation } from '../../src/runs/run-creation.js';
import { RunQueue } from '../../src/runs/run-queue.js';
import { RunService, RunServiceParts } from '../../src/runs/run.service.js';
import { FilesModule } from '../../src/files/files.module.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ToolRegistry } from '../../src/tools/tool-registry.js';
import { BUILT_IN_TOOLS } from '../../src/tools/tool.js';
import type { Tool } from '../../src/tools/tool.js';
import { WorkspacesModule } from '../../src/workspaces/workspaces.module.js';

const python: Tool = {
  name: 'python',
  description: 'Runs Python.',
  parameters: z.object({}),
  source: 'built_in',
  kind: 'code_execution',
  label: 'Python code',
  effect: 'effectful',
  execution: 'serial',
  reach: 'sandbox',
  available: () => true,
  execute: () => Promise.reject(new Error('Nothing is worked in this test.')),
};

const SERVICES = [RunService, ConversationRuns, ApprovalService, RuleService];

/** The services of runs and approvals as they are, over a queue that nobody works. */
@Global()
@Module({
  imports: [FilesModule, SessionsModule, WorkspacesModule],
  providers: [
    ...SERVICES,
    RunServiceParts,
    RunCreation,
    RunCancel,
    ClientToolResults,
    ToolRegistry,
    { provide: BUILT_IN_TOOLS, useValue: [python] },
    { provide: RunQueue, useValue: { enqueue: () => Promise.resolve() } },
  ],
  exports: SERVICES,
})
export class RunsTestModule {}
