import { Module } from '@nestjs/common';
import { ApprovalController } from './approvals/approval.controller.js';
import { RuleController } from './approvals/rule.controller.js';
import { InferenceStatusService } from './inference/inference-status.service.js';
import { InferenceController } from './inference/inference.controller.js';
import { ChatCompletionService } from './openai-chat/chat-completion.service.js';
import { ChatController } from './openai-chat/chat.controller.js';
import { RunController } from './runs/run.controller.js';
import { VectorController } from './vectors/vector.controller.js';
import { VectorService } from './vectors/vector.service.js';

/** Needs `DataSource`, `ENGINE`, `RunService`, `ApprovalService` and `RuleService` from global modules. */
@Module({
  controllers: [
    RunController,
    ApprovalController,
    RuleController,
    InferenceController,
    ChatController,
    VectorController,
  ],
  providers: [InferenceStatusService, ChatCompletionService, VectorService],
})
export class ApiModule {}
