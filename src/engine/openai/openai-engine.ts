import { messageOf } from '../../errors.js';
import { newId } from '../../ids.js';
import { settlesWithin } from '../../settles-within.js';
import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
import { EngineError } from '../engine-error.js';
import type {
  CountRequest,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineStatus,
  GenerateRequest,
} from '../engine.js';
import { failedEngine } from '../failed-engine.js';
import { ReceivedMessageFold } from '../received-message.js';
import { abortable } from '../../abortable.js';
import type { ChatChunk } from './chat-chunk.js';
import { chatBody } from './chat-request.js';
import { Connection } from './connection.js';
import { countTokens } from './count-tokens.js';
import { discover, type UpstreamServer } from './discovery.js';
import { FairQueue } from '../fair-queue.js';
import type { HttpResponse } from './http-exchange.js';
import { UPSTREAM_LIMITS, type OpenAiEngineOptions, type UpstreamLimits } from './openai-engine-options.js';
import { readAnswer, type AnswerItem } from './read-answer.js';
import { SaidText } from './said-text.js';
import { TurnReader, type StreamEnd } from './turn-reader.js';
import { parseUpstreamAddress } from './upstream-address.js';
import { UpstreamClient } from './upstream-client.js';
import { transportError, withoutKey } from './upstream-error.js';
import { UsageMeter } from './usage-meter.js';
import { type AskModel, embeddingsFrom, rankingFrom } from './vectors.js';

/**
 * An engine on a server that speaks OpenAI's chat completions. Looks for the server at once and never throws:
 * what goes wrong is in `status()`, and ends each generation with an `error` event.
 */
export function createOpenAiEngine(options: OpenAiEngineOptions): Engine {
  const limits = { ...UPSTREAM_LIMITS, ...options.limits };
  try {
    const client = new UpstreamClient(parseUpstreamAddress(options.model), options.key, limits);
    return new OpenAiEngine(client, options, limits);
  } catch (error) {
    const failure = error instanceof EngineError ? error : new EngineError('provider', messageOf(error));
    // Not the value of MODEL: it may carry a password.
    const engine = failedEngine('openai', failure);
    options.onStatus?.(engine.status());
    return engine;
  }
}

class OpenAiEngine implements Engine {
  private readonly connection: Connection;
  private readonly queue: FairQueue;

  constructor(
    private readonly client: UpstreamClient,
    private readonly options: OpenAiEngineOptions,
    private readonly limits: UpstreamLimits,
  ) {
    this.queue = new FairQueue(options.parallel);
    const find = (signal: AbortSignal) =>
      discover(client, options, signal).catch((error: unknown) => {
        throw this.failure(error);
      });
    this.connection = new Connection(find, limits.retryMs, () => options.onStatus?.(this.status()));
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    const received = new ReceivedMessageFold();
    const ending = AbortSignal.any([signal, this.connection.signal]);
    try {
      for await (const event of this.turn(request, ending)) {
        ending.throwIfAborted();
        received.add(event);
        yield event.type === 'stop' ? { ...event, message: received.snapshot() } : event;
      }
    } catch (error) {
      if (signal.aborted) yield { type: 'stop', reason: 'cancelled', message: received.snapshot() };
      else yield { type: 'error', error: this.failureOf(error), received: received.snapshot() };
    }
  }

  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    return this.askModel(request, signal, (ask) => embeddingsFrom(ask, request.inputs));
  }

  rank(request: RankRequest, signal: AbortSignal): Promise<Ranking> {
    return this.askModel(request, signal, (ask) => rankingFrom(ask, request));
  }

  async count(request: CountRequest): Promise<number> {
    const server = checked(request.model, await this.connection.ready());
    return countTokens(this.client, server, request, this.connection.signal);
  }

  async capabilities(asked?: string): Promise<EngineCapabilities> {
    const { model, contextSize, input } = checked(asked, await this.connection.ready());
    // No server tells whether its model can; one that cannot refuses the request or calls nothing.
    return { model, contextSize, toolCalls: true, reasoning: true, input };
  }

  status(): EngineStatus {
    const { state } = this.connection;
    const { address } = this.client;
    const model = address.model ?? address.apiUrl;
    switch (state.type) {
      case 'closed':
        return { state: 'closed', model };
      case 'connected': {
        const { kind, contextSize, contextFrom, input, model } = state.server;
        const { active, waiting } = this.queue;
        return {
          state: 'remote',
          model,
          url: address.apiUrl,
          kind,
          contextSize,
          contextFrom,
          input,
          active,
          waiting,
        };
      }
      case 'connecting':
        if (state.failure === undefined) return { state: 'loading', model, phase: 'connect', progress: 0 };
        return {
          state: 'failed',
          model,
          message: state.failure.message,
          ...(state.failure.retryable ? { hint: 'It is tried again.' } : {}),
        };
      default:
        return state satisfies never;
    }
  }

  close(): Promise<void> {
    this.connection.close();
    return Promise.resolve();
  }

  /** `work` puts questions to the model, each in its owner's turn. */
  private async askModel<T>(
    { model, owner }: Pick<EmbedRequest, 'model' | 'owner'>,
    signal: AbortSignal,
    work: (ask: AskModel) => Promise<T>,
  ): Promise<T> {
    const ending = AbortSignal.any([signal, this.connection.signal]);
    try {
      ending.throwIfAborted();
      const server = checked(model, await abortable(this.connection.ready(), ending));
      return await work(async (path, fields) => {
        const place = this.queue.enter(owner);
        try {
          for await (const _position of place.positions(ending));
          const question = { path, under: 'api', body: { model: server.model, ...fields } } as const;
          return await this.client.ask(question, ending, this.limits.vectorsMs);
        } catch (error) {
          throw this.refusal(error);
        } finally {
          place.leave();
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      throw this.failureOf(error);
    }
  }

  /** What a server has no route for is no fault of the model's name. */
  private refusal(error: unknown): EngineError {
    const failure = this.failureOf(error);
    if (failure.cause !== undefined) this.connection.lost(failure);
    return failure.code === 'model_not_found' ? new EngineError('invalid_request', failure.message) : failure;
  }

  /** The events of one turn up to and with `stop`, whose message is empty. Throws where it breaks. */
  private async *turn(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void, void> {
    signal.throwIfAborted();
    const server = checked(request.model, await abortable(this.connection.ready(), signal));
    const place = this.queue.enter(request.owner ?? request.sessionId);
    try {
      for await (const position of place.positions(signal)) yield { type: 'queued', position };
      yield* this.answer(server, request, signal);
    } finally {
      place.leave();
    }
  }

  private async *answer(
    server: UpstreamServer,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void, void> {
    const prefix = request.continueFrom?.text ?? '';
    const asked = server.traits.continuation.type === 'ask' ? prefix : '';
    const turn = new TurnReader(() => newId('call'), {
      afterText: prefix !== '',
      calls: request.parallelToolCalls === false ? 'one' : 'any',
    });
    const said = new SaidText(asked, request.topLogprobs !== undefined);
    const size = new AnswerSize(this.limits.answerChars);
    const meter = new UsageMeter(request);
    const response = await this.open(server, request, signal);
    let end: StreamEnd = 'closed';
    let text = '';
    try {
      const items = readAnswer(response, this.limits);
      for (;;) {
        const item = await this.next(items, turn);
        if (item?.type !== 'chunk') {
          if (item?.type === 'done') end = 'done';
          break;
        }
        const { chunk } = item;
        if (chunk.usage !== undefined) meter.report(chunk.usage);
        text += size.add(chunk);
        if (text !== '') meter.answering();
        yield* turn.read(said.push(chunk));
      }
    } finally {
      response.close();
    }
    const rest = said.end();
    yield* turn.rest(rest.text, rest.logprobs);
    const { events, reason } = turn.end(end);
    yield* events;
    yield { type: 'usage', usage: meter.finish(text) };
    yield { type: 'stop', reason, message: { text: '', reasoning: '', completeCalls: [] } };
  }

  private async open(
    server: UpstreamServer,
    request: GenerateRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    try {
      return await this.client.chat(chatBody(request, server.model, server.traits), signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = this.failure(error);
      // Only the failure of a socket has a cause; a server that answered is there.
      if (failure.cause !== undefined) this.connection.lost(failure);
      throw failure;
    }
  }

  /** Undefined at the end. Once the model has ended its turn, neither silence nor a broken connection matters. */
  private async next(
    items: AsyncGenerator<AnswerItem, void, void>,
    turn: TurnReader,
  ): Promise<AnswerItem | undefined> {
    const next = items.next().then((result) => (result.done === true ? undefined : result.value));
    if (!turn.finished) return next;
    const figures = next.catch(() => undefined);
    return (await settlesWithin(figures, this.limits.closingMs)) ? figures : undefined;
  }

  /** A generation that the end of the engine broke off fails with that, not with its socket. */
  private failureOf(error: unknown): EngineError {
    const { signal } = this.connection;
    return this.failure(signal.aborted ? signal.reason : error);
  }

  private failure(error: unknown): EngineError {
    return withoutKey(transportError(error, this.client.host), this.options.key);
  }
}

function checked(asked: string | undefined, server: UpstreamServer): UpstreamServer {
  if (asked === undefined || asked === server.model) return server;
  throw new EngineError('model_not_found', `No model "${asked}" is in use; "${server.model}" is.`);
}

/** Bounds what one answer may hold, since all of it is kept. */
class AnswerSize {
  private chars = 0;

  constructor(private readonly most: number) {}

  /** The chunk's whole text. Throws EngineError provider beyond the bound. */
  add({ reasoning, text, calls }: ChatChunk): string {
    const all = reasoning + text + calls.map((call) => `${call.name ?? ''}${call.arguments}`).join('');
    this.chars += all.length;
    if (this.chars > this.most) {
      throw new EngineError('provider', `The server's answer has more than ${this.most} characters.`);
    }
    return all;
  }
}
