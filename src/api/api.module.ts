import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG } from '../config/config.js';
import { ENGINE } from '../engine/engine.js';
import { MODEL_LIFECYCLE } from '../engine/resident/model-lifecycle.js';
import { RunService } from '../runs/run.service.js';
import { ApprovalController } from './approvals/approval.controller.js';
import { RuleController } from './approvals/rule.controller.js';
import { InferenceStatusService } from './inference/inference-status.service.js';
import { InferenceController } from './inference/inference.controller.js';
import { ChatCompletionService } from './openai-chat/chat-completion.service.js';
import { ChatController } from './openai-chat/chat.controller.js';
import { RETRY_GRACE, RunFollowers } from './openai-chat/run-followers.js';
import { createLifecycle } from './inference/create-lifecycle.js';
import { ModelLifecycleController } from './inference/model-lifecycle.controller.js';
import { ModelLifecycleService } from './inference/model-lifecycle.service.js';
import { RunController } from './runs/run.controller.js';
import { VectorController } from './vectors/vector.controller.js';
import { VectorService } from './vectors/vector.service.js';

/** Needs `DataSource`, `CONFIG`, `ENGINE`, `RunService`, `ApprovalService` and `RuleService` from global modules. */
@Module({
  controllers: [
    RunController,
    ApprovalController,
    RuleController,
    InferenceController,
    ModelLifecycleController,
    ChatController,
    VectorController,
  ],
  providers: [
    InferenceStatusService,
    ModelLifecycleService,
    {
      provide: MODEL_LIFECYCLE,
      inject: [ENGINE, CONFIG, DataSource, RunService],
      useFactory: createLifecycle,
    },
    ChatCompletionService,
    RETRY_GRACE,
    RunFollowers,
    VectorService,
  ],
})
export class ApiModule {}
