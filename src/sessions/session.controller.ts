import type { ServerResponse } from 'node:http';
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../auth/current-principal.js';
import type { Principal } from '../auth/principal.js';
import type { FileObject } from '../events/event.js';
import { serializedSessionSchema } from './session-export.js';
import type { SerializedSession } from './session-export.js';
import { SessionFilesService } from './session-files.service.js';
import {
  createSessionSchema,
  forkSessionSchema,
  listSessionsSchema,
  updateSessionSchema,
} from './session-request.js';
import type {
  CreateSessionRequest,
  ForkSessionRequest,
  ListSessionsRequest,
  SessionPage,
  SessionView,
  UpdateSessionRequest,
} from './session-request.js';
import { SessionTransferService } from './session-transfer.service.js';
import { SessionService } from './session.service.js';

@Controller('v1/sessions')
export class SessionController {
  constructor(
    private readonly sessions: SessionService,
    private readonly transfer: SessionTransferService,
    private readonly files: SessionFilesService,
  ) {}

  @Get()
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: listSessionsSchema }) request: ListSessionsRequest,
  ): Promise<SessionPage> {
    return this.sessions.list(principal.name, request);
  }

  @Post()
  create(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: createSessionSchema.default({}) }) request: CreateSessionRequest,
  ): Promise<SessionView> {
    return this.sessions.create(principal.name, request);
  }

  @Get(':id')
  export(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<SerializedSession> {
    return this.transfer.export(principal.name, id);
  }

  @Put(':id')
  async import(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: serializedSessionSchema }) body: SerializedSession,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<SessionView> {
    const { session, created } = await this.transfer.import(principal.name, id, body);
    response.statusCode = created ? 201 : 200;
    return session;
  }

  @Patch(':id')
  update(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: updateSessionSchema }) request: UpdateSessionRequest,
  ): Promise<SessionView> {
    return this.sessions.update(principal.name, id, request);
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<void> {
    return this.sessions.remove(principal.name, id);
  }

  @Post(':id/fork')
  fork(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body({ schema: forkSessionSchema.default({}) }) request: ForkSessionRequest,
  ): Promise<SessionView> {
    return this.transfer.fork(principal.name, id, request);
  }

  @Get(':id/files')
  async listFiles(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
  ): Promise<{ object: 'list'; data: FileObject[] }> {
    await this.sessions.requireOwned(principal.name, id);
    return { object: 'list', data: await this.files.list(id) };
  }
}
