import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { ENGINE } from '../../engine/engine.js';
import type { Engine, EngineStatus } from '../../engine/engine.js';
import { servedModel, servedModels } from '../../engine/served-models.js';
import type { MediaType } from '../../engine/media.js';
import { checkModel } from '../../runs/check-model.js';
import { cancelKeysSchema } from '../../runs/run-request.js';
import type { CancelKeys } from '../../runs/run-request.js';
import { RunService } from '../../runs/run.service.js';
import { InferenceStatusService } from './inference-status.service.js';
import type { InferenceStatus } from './inference-status.service.js';

/** A body that is no object cancels nothing and is no error. */
const cancelBody = cancelKeysSchema.catch({});

/** As OpenAI has it, with the window that a request really gets, in tokens, once the model is loaded. */
interface ModelObject {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly context_length?: number;
  readonly input_modalities: readonly ('text' | MediaType)[];
}

interface ModelList {
  readonly object: 'list';
  readonly data: readonly ModelObject[];
}

/** What all have in common; a council, which is no model of its own, has nothing else. */
const NO_MODEL = { object: 'model', created: 0, owned_by: 'gantry' } as const;

function modelOf(status: EngineStatus): ModelObject {
  const contextSize = 'contextSize' in status ? status.contextSize : undefined;
  const known = contextSize === undefined ? {} : { context_length: contextSize };
  const input = status.state === 'remote' ? status.input : [];
  return { ...NO_MODEL, id: status.model, ...known, input_modalities: ['text', ...input] };
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
    const data = servedModels(this.engine).filter(({ names }) => names.length > 0);
    return { object: 'list', data: data.map(({ status }) => modelOf(status)) };
  }

  /** Names of models may have slashes. */
  @Get('v1/models/*id')
  model(@Param('id') id: readonly string[]): ModelObject {
    const name = id.join('/');
    checkModel(this.engine, name);
    const served = servedModel(this.engine, name);
    return served === undefined
      ? { ...NO_MODEL, id: name, input_modalities: ['text'] }
      : modelOf(served.status);
  }
}
