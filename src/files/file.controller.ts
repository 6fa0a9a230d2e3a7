import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  UploadedFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { CurrentPrincipal } from '../auth/current-principal.js';
import type { Principal } from '../auth/principal.js';
import { planContentResponse } from './content-response.js';
import type { FileMetadata } from './file-object.js';
import { toMetadata } from './file-object.js';
import { listFilesSchema, uploadFileSchema } from './file-request.js';
import type { ListFilesRequest, UploadFileRequest } from './file-request.js';
import { FileService } from './file.service.js';
import { UploadService } from './upload.service.js';
import { UploadSizeGuard } from './upload-size.guard.js';
import type { Upload } from './upload-storage.js';

@Controller('v1/files')
export class FileController {
  constructor(
    private readonly files: FileService,
    private readonly uploads: UploadService,
  ) {}

  @Post()
  @HttpCode(200)
  @UseGuards(UploadSizeGuard)
  @UseInterceptors(FileInterceptor('file'))
  async upload(
    @CurrentPrincipal() principal: Principal,
    @UploadedFile() upload: Upload | undefined,
    @Body({ schema: uploadFileSchema }) request: UploadFileRequest,
  ): Promise<FileMetadata> {
    return toMetadata(await this.uploads.keep(principal.name, upload, request));
  }

  @Get()
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: listFilesSchema }) request: ListFilesRequest,
  ): Promise<FileList> {
    const { session_id: sessionId, ...page } = request;
    const { files, hasMore } = await this.files.list(principal.name, { ...page, sessionId });
    const data = files.map(toMetadata);
    const [first, last] = [data.at(0)?.id ?? null, data.at(-1)?.id ?? null];
    return { object: 'list', data, first_id: first, last_id: last, has_more: hasMore };
  }

  @Get(':id')
  async get(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<FileMetadata> {
    return toMetadata(await this.files.requireReadable(principal.name, id));
  }

  /** GET and HEAD. */
  @Get(':id/content')
  async content(
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const file = await this.files.requireReadable(principal.name, id);
    const { status, headers, start, end } = planContentResponse(request.headers, file);
    response.writeHead(status, headers);
    if (request.method === 'HEAD' || start === end) {
      response.end();
      return;
    }
    try {
      await pipeline(this.files.open(file, start, end), response);
    } catch (error) {
      // A reader that goes away is no failure of ours.
      if (!isPrematureClose(error)) throw error;
    }
  }

  @Delete(':id')
  async remove(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<DeletedFile> {
    await this.files.remove(principal.name, id);
    return { id, object: 'file', deleted: true };
  }
}

interface FileList {
  readonly object: 'list';
  readonly data: readonly FileMetadata[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

interface DeletedFile {
  readonly id: string;
  readonly object: 'file';
  readonly deleted: true;
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
