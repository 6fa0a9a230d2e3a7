import type { ServerResponse } from 'node:http';
import { Body, Controller, Headers, type OnModuleDestroy, Post, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { answerCompletion } from './answer-completion.js';
import { ChatCompletionService } from './chat-completion.service.js';
import { type ChatRequest, chatRequestSchema } from './chat-request.js';
import { streamCompletion } from './stream-completion.js';

@Controller('v1/chat/completions')
export class ChatController implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(private readonly completions: ChatCompletionService) {}

  /** Answers have no end of their own; without this the server would wait for their readers. */
  onModuleDestroy(): void {
    this.closing.abort();
  }

  @Post()
  async create(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: chatRequestSchema }) request: ChatRequest,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { run, terms } = await this.completions.begin(owner, request, idempotencyKey);
    const stop = { gone: gone.signal, closing: this.closing.signal };
    const events = this.completions.follow(run, AbortSignal.any([stop.gone, stop.closing]));
    const isRunOver = request.stream
      ? await streamCompletion(response, events, terms, stop)
      : await answerCompletion(response, events, stop);
    // A run that nobody hears of any more would only take others' time.
    if (isRunOver || stop.closing.aborted || request.background) return;
    await this.completions.abandon(owner, run);
  }
}
