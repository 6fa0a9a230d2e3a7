import type { ServerResponse } from 'node:http';
import { Body, Controller, Headers, Logger, type OnModuleDestroy, Post, Res } from '@nestjs/common';
import { CurrentPrincipal } from '../../auth/current-principal.js';
import type { Principal } from '../../auth/principal.js';
import { departureOf } from '../../departure.js';
import type { RunView } from '../../runs/run-view.js';
import { answerCompletion } from './answer-completion.js';
import { ChatCompletionService } from './chat-completion.service.js';
import { type ChatRequest, chatRequestSchema } from './chat-request.js';
import { readIdempotencyKey } from './idempotency-key.js';
import { RunFollowers } from './run-followers.js';
import { streamCompletion } from './stream-completion.js';

@Controller('v1/chat/completions')
export class ChatController implements OnModuleDestroy {
  private readonly logger = new Logger(ChatController.name);
  private readonly closing = new AbortController();

  constructor(
    private readonly completions: ChatCompletionService,
    private readonly followers: RunFollowers,
  ) {}

  /** Answers have no end of their own; without this the server would wait for their readers. */
  onModuleDestroy(): void {
    this.closing.abort();
  }

  @Post()
  async create(
    @CurrentPrincipal() { name: owner }: Principal,
    @Body({ schema: chatRequestSchema }) request: ChatRequest,
    @Headers('idempotency-key') header: string | undefined,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const key = readIdempotencyKey(header);
    if (key === undefined) {
      await this.answer(owner, { request, key }, response, (run) => this.giveUp(owner, run));
      return;
    }
    const circle = JSON.stringify([owner, key]);
    this.followers.join(circle);
    let lastWish: (() => void) | undefined;
    try {
      await this.answer(owner, { request, key }, response, (run) => {
        lastWish = () => this.giveUp(owner, run);
      });
    } finally {
      this.followers.leave(circle, lastWish);
    }
  }

  /** `unheard` takes the run if nobody hears of it any more: it would only take others' time. */
  private async answer(
    owner: string,
    { request, key }: { readonly request: ChatRequest; readonly key: string | undefined },
    response: ServerResponse,
    unheard: (run: RunView) => void,
  ): Promise<void> {
    const gone = departureOf(response);
    const { run, terms } = await this.completions.begin(owner, request, key);
    const stop = { gone, closing: this.closing.signal };
    const events = this.completions.follow(run, AbortSignal.any([stop.gone, stop.closing]));
    let isRunOver = false;
    try {
      isRunOver = request.stream
        ? await streamCompletion(response, events, terms, stop)
        : await answerCompletion(response, events, stop);
    } finally {
      if (!isRunOver && !stop.closing.aborted && !request.background) unheard(run);
    }
  }

  private giveUp(owner: string, run: RunView): void {
    this.completions.abandon(owner, run, this.closing.signal).catch((error: unknown) => {
      this.logger.error(error);
    });
  }
}
