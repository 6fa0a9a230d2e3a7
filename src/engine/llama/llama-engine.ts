import { messageOf } from '../../errors.js';
import { findAdapter } from '../../models/adapters-folder.js';
import { PUBLIC_HUB } from '../../models/hub-request.js';
import { EngineError, toEngineError } from '../engine-error.js';
import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
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
import type { StreamItem } from './event-stream.js';
import { hostRequest } from './host-request.js';
import { HostSupervisor, type ReadyHost } from './host-supervisor.js';
import type { LlamaEngineOptions } from './llama-engine-options.js';
import type { HostGenerateRequest } from './protocol.js';
import { parseModelSource, type ModelSource } from './model-source.js';

/**
 * A host that does not answer a cancel within this is taken for wedged. A step cannot be stopped: that of a large model on
 * a slow processor, with several prompts in it, has to fit, since everybody loses the model with the host.
 */
const CANCEL_BOUND_MS = 60_000;

/**
 * Starts loading at once and never throws: what goes wrong is in `status()`, and ends each
 * generation with an `error` event.
 */
export function createLlamaEngine(options: LlamaEngineOptions): Engine {
  try {
    return new LlamaEngine(options, modelSource(options));
  } catch (error) {
    const failure =
      error instanceof EngineError ? error : new EngineError('provider', messageOf(error), { cause: error });
    options.log?.('error', failure.message);
    const engine = failedEngine(options.model, failure);
    options.onStatus?.(engine.status());
    return engine;
  }
}

function modelSource({
  model,
  homeDirectory,
  hub = { endpoint: PUBLIC_HUB },
}: LlamaEngineOptions): ModelSource {
  return parseModelSource(model, homeDirectory, hub);
}

class LlamaEngine implements Engine {
  private readonly supervisor: HostSupervisor;

  constructor(
    private readonly options: LlamaEngineOptions,
    private readonly source: ModelSource,
  ) {
    this.supervisor = new HostSupervisor(options, source);
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    const received = new ReceivedMessageFold();
    try {
      const ready = await this.supervisor.ready(signal);
      this.checkModel(request.model, ready);
      const turn = hostRequest(request, await this.adapterFile(request.adapter));
      for await (const event of this.turn(ready, turn, signal)) {
        received.add(event);
        if (event.type !== 'stop') {
          yield event;
          continue;
        }
        this.supervisor.answered();
        yield { ...event, message: received.snapshot() };
      }
    } catch (error) {
      if (signal.aborted) yield { type: 'stop', reason: 'cancelled', message: received.snapshot() };
      else yield { type: 'error', error: toEngineError(error), received: received.snapshot() };
    }
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const ready = await this.supervisor.ready(signal);
    this.checkModel(request.model, ready);
    const embeddings = await ready.host.embed(request, signal);
    this.supervisor.answered();
    return embeddings;
  }

  async rank(request: RankRequest, signal: AbortSignal): Promise<Ranking> {
    const ready = await this.supervisor.ready(signal);
    this.checkModel(request.model, ready);
    const ranking = await ready.host.rank(request, signal);
    this.supervisor.answered();
    return ranking;
  }

  async count(request: CountRequest): Promise<number> {
    const ready = await this.supervisor.ready();
    this.checkModel(request.model, ready);
    return ready.host.count(request.messages, request.tools);
  }

  async capabilities(asked?: string): Promise<EngineCapabilities> {
    const ready = await this.supervisor.ready();
    this.checkModel(asked, ready);
    const { model } = ready;
    return {
      model: this.source.name,
      contextSize: model.contextSize,
      toolCalls: model.toolCalls,
      reasoning: model.reasoning,
      continuesThoughts: true,
    };
  }

  status(): EngineStatus {
    return this.supervisor.status();
  }

  forget(sessionId: string): void {
    this.supervisor.host?.forget(sessionId);
  }

  close(): Promise<void> {
    return this.supervisor.close();
  }

  private async adapterFile(name: string | undefined): Promise<string | undefined> {
    if (name === undefined) return undefined;
    const found = await findAdapter(this.options.homeDirectory, name);
    if (found.type === 'found') return found.path;
    throw new EngineError(
      'invalid_request',
      `use_adapter: there is no adapter ${JSON.stringify(name)} in models/adapters; there are: ${found.names.join(', ') || 'none'}.`,
    );
  }

  private checkModel(asked: string | undefined, { model }: ReadyHost): void {
    if (asked === undefined || asked === this.source.name || asked === model.card.title) return;
    throw new EngineError('model_not_found', `No model "${asked}" is loaded; "${this.source.name}" is.`);
  }

  /** The events of one turn up to and with `stop`. Throws an EngineError where it breaks. */
  private async *turn(
    { host }: ReadyHost,
    request: HostGenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void, void> {
    const turn = host.generate(request);
    let wedged: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      turn.cancel();
      wedged = setTimeout(() => host.kill(), CANCEL_BOUND_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    let ended = false;
    try {
      for await (const item of turn.stream.read()) {
        const event = engineEvent(item);
        ended = event.type === 'stop';
        yield event;
        if (ended) return;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(wedged);
      if (!ended) turn.cancel();
      turn.close();
    }
  }
}

function engineEvent(item: StreamItem): EngineEvent {
  if (item.type === 'broken') {
    throw new EngineError('stream_interrupted', item.reason.message, { interruption: 'engine_crash' });
  }
  const { event } = item;
  switch (event.type) {
    case 'error':
      throw new EngineError(event.code, event.message);
    case 'stop':
      return { ...event, message: { text: '', reasoning: '', completeCalls: [] } };
    case 'content_block_stop':
      return { type: event.type, block: event.block, ...(event.id === undefined ? {} : { id: event.id }) };
    case 'text_delta':
    case 'reasoning_delta': {
      const { type, text, logprobs } = event;
      return { type, text, ...(logprobs === undefined ? {} : { logprobs }) };
    }
    case 'usage': {
      const { completion_tokens_details: guesses, ...usage } = event.usage;
      return {
        type: event.type,
        usage: { ...usage, ...(guesses && { completion_tokens_details: guesses }) },
      };
    }
    case 'queued':
    case 'raw':
    case 'tool_call_start':
    case 'tool_call_delta':
      return event;
    default:
      return event satisfies never;
  }
}
