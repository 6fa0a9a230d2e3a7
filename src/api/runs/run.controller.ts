import type { ServerResponse } from 'node:http';
import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { createRunSchema, invokeToolSchema, toolResultSchema } from '../../runs/run-request.js';
import type { CreateRunRequest, InvokeToolRequest, ToolResultSubmission } from '../../runs/run-request.js';
import type { RunView } from '../../runs/run-view.js';
import { RunService } from '../../runs/run.service.js';
import { steerSchema } from './steer-request.js';
import type { SteerRequest } from './steer-request.js';

/** The session comes from the path. */
const createBody = createRunSchema.omit({ session_id: true });
const invokeBody = invokeToolSchema.omit({ session_id: true });

@Controller('v1')
export class RunController {
  constructor(private readonly runs: RunService) {}

  @Post('sessions/:id/runs')
  async create(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: createBody }) body: Omit<CreateRunRequest, 'session_id'>,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<RunView> {
    return answer(response, await this.runs.create(principal.name, { ...body, session_id: id }));
  }

  @Get('sessions/:id/runs')
  async list(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
  ): Promise<{ object: 'list'; data: RunView[] }> {
    return { object: 'list', data: await this.runs.list(principal.name, id) };
  }

  @Post('sessions/:id/tool_calls')
  async invokeTool(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: invokeBody }) body: Omit<InvokeToolRequest, 'session_id'>,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<RunView> {
    return answer(response, await this.runs.invokeTool(principal.name, { ...body, session_id: id }));
  }

  @Get('runs/:id')
  get(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<RunView> {
    return this.runs.get(principal.name, id);
  }

  @Post('runs/:id/steer')
  @HttpCode(204)
  steer(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: steerSchema }) body: SteerRequest,
  ): Promise<void> {
    return this.runs.steer(principal.name, id, body.text);
  }

  @Post('tool_results')
  @HttpCode(204)
  submitToolResult(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: toolResultSchema }) body: ToolResultSubmission,
  ): Promise<void> {
    return this.runs.submitToolResult(principal.name, body);
  }
}

/** 201 for a run that was made now, 200 for the one that the same idempotency key made before. */
function answer(response: ServerResponse, { run, created }: { run: RunView; created: boolean }): RunView {
  response.statusCode = created ? 201 : 200;
  return run;
}
