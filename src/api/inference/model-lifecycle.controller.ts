import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import type { ProgressView } from '../../engine/resident/resident-view.js';
import {
  loadRequestSchema,
  progressQuerySchema,
  unloadRequestSchema,
  validateRequestSchema,
  type LoadRequest,
  type ProgressQuery,
  type UnloadRequest,
  type ValidateRequest,
} from './load-request.js';
import { type LoadAnswer, ModelLifecycleService, type UnloadAnswer } from './model-lifecycle.service.js';
import type { ValidatedModel } from './validated-model.js';

@Controller('api/inference')
export class ModelLifecycleController {
  constructor(private readonly models: ModelLifecycleService) {}

  /** Answers when the model is in memory; a client that goes away does not stop it. */
  @Post('load')
  @HttpCode(200)
  load(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: loadRequestSchema }) request: LoadRequest,
  ): Promise<LoadAnswer> {
    return this.models.load(owner, request);
  }

  @Post('unload')
  @HttpCode(200)
  unload(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: unloadRequestSchema }) request: UnloadRequest,
  ): Promise<UnloadAnswer> {
    return this.models.unload(owner, request);
  }

  @Post('validate')
  @HttpCode(200)
  validate(@Body({ schema: validateRequestSchema }) request: ValidateRequest): Promise<ValidatedModel> {
    return this.models.validate(request);
  }

  @Get('load-progress')
  progress(@Query({ schema: progressQuerySchema }) { model }: ProgressQuery): ProgressView {
    return this.models.progress(model);
  }
}
