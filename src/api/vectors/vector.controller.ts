import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Body, Controller, type OnModuleDestroy, Post, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { DomainError } from '../../errors.js';
import { departureOf } from '../../departure.js';
import { sendJson } from '../openai-chat/send-answer.js';
import { embeddingAnswer, shortened } from './embedding-answer.js';
import { type EmbeddingRequest, embeddingRequestSchema } from './embedding-request.js';
import { rerankAnswer, textsOf } from './rerank-answer.js';
import { type RerankRequest, rerankRequestSchema } from './rerank-request.js';
import { VectorService } from './vector.service.js';

@Controller('v1')
export class VectorController implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(private readonly vectors: VectorService) {}

  onModuleDestroy(): void {
    const message = 'The server is stopping; the same request may pass when it is back.';
    this.closing.abort(new DomainError('unavailable', message, { reason: 'server_stopping' }));
  }

  @Post('embeddings')
  async embed(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: embeddingRequestSchema }) request: EmbeddingRequest,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const { input: inputs, encoding_format: format, dimensions } = request;
    await this.whileThere(response, async (signal) => {
      const asked = { owner, inputs, ...named(request) };
      const { answer, model } = await this.vectors.embed(asked, signal);
      const { promptTokens } = answer;
      const pieces = embeddingAnswer(shortened(answer.vectors, dimensions), format, { model, promptTokens });
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      await pipeline(Readable.from(pieces), response);
    });
  }

  @Post('rerank')
  async rerank(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: rerankRequestSchema }) request: RerankRequest,
    @Res() response: ServerResponse,
  ): Promise<void> {
    await this.whileThere(response, async (signal) => {
      const asked = { owner, query: request.query, documents: textsOf(request), ...named(request) };
      const { answer, model } = await this.vectors.rank(asked, signal);
      sendJson(response, 200, rerankAnswer(request, answer, model));
    });
  }

  /** Who goes away is told nothing, and stops the work. */
  private async whileThere(
    response: ServerResponse,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const gone = departureOf(response);
    try {
      await work(AbortSignal.any([gone, this.closing.signal]));
    } catch (error) {
      if (!gone.aborted) throw error;
    }
  }
}

function named({ model }: { readonly model?: string | null | undefined }): { readonly model?: string } {
  return model === undefined || model === null ? {} : { model };
}
