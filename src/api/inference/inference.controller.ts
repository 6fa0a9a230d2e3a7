import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { ENGINE } from '../../engine/engine.js';
import type { Engine } from '../../engine/engine.js';
import { cancelKeysSchema } from '../../runs/run-request.js';
import type { CancelKeys } from '../../runs/run-request.js';
import { RunService } from '../../runs/run.service.js';
import { InferenceStatusService } from './inference-status.service.js';
import type { InferenceStatus } from './inference-status.service.js';

/** A body that is no object cancels nothing and is no error. */
const cancelBody = cancelKeysSchema.catch({});

interface ModelList {
  readonly object: 'list';
  readonly data: readonly { id: string; object: 'model'; created: number; owned_by: string }[];
}

@Controller()
export class InferenceController {
  constructor(
    private readonly runs: RunService,
    private readonly inferenceStatus: InferenceStatusService,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  @Post('api/inference/cancel')
  @HttpCode(200)
  cancel(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: cancelBody }) keys: CancelKeys,
  ): Promise<{ cancelled: string[] }> {
    return this.runs.cancel(principal.name, keys);
  }

  @Get('api/inference/status')
  status(): Promise<InferenceStatus> {
    return this.inferenceStatus.read();
  }

  @Get('v1/models')
  models(): ModelList {
    return {
      object: 'list',
      data: [{ id: this.engine.status().model, object: 'model', created: 0, owned_by: 'gantry' }],
    };
  }
}
