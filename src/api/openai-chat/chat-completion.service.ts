import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { retryTransient } from '../../database/transient-error.js';
import { ENGINE, type Engine } from '../../engine/engine.js';
import { servedModel } from '../../engine/served-models.js';
import { EventLog } from '../../events/event-log.js';
import { type GantryEvent, isTerminalEvent } from '../../events/event.js';
import { DATABASE_PATIENCE_MS } from '../../runs/commit-fenced.js';
import { ConversationRuns } from '../../runs/conversation-runs.js';
import { hashRequest } from '../../runs/run-creation.js';
import { isClientTool } from '../../runs/run-tools.js';
import type { RunView } from '../../runs/run-view.js';
import { RunService } from '../../runs/run.service.js';
import { offersServerTools, toRunOptions } from './chat-options.js';
import type { ChatRequest } from './chat-request.js';
import { toTurn } from './chat-turn.js';
import type { CompletionTerms } from './completion-stream.js';

export interface BegunCompletion {
  readonly run: RunView;
  readonly terms: CompletionTerms;
}

/** A chat completion is a run like any other: queued, durable, seen by all who watch its session. */
@Injectable()
export class ChatCompletionService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: EventLog,
    private readonly conversations: ConversationRuns,
    private readonly runs: RunService,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  /** The same `idempotencyKey` and request again give the same run. Rejects with DomainError. */
  async begin(
    owner: string,
    request: ChatRequest,
    idempotencyKey: string | undefined,
  ): Promise<BegunCompletion> {
    const options = toRunOptions(request);
    // How it is answered is no part of what is asked.
    const { stream: _stream, stream_options: _streamOptions, ...asked } = request;
    const { run } = await this.conversations.create(owner, {
      turn: toTurn(request),
      options,
      requestHash: hashRequest(asked),
      cancelId: request.cancel_id,
      idempotencyKey,
    });
    const terms: CompletionTerms = {
      runId: run.id,
      sessionId: run.session_id,
      created: Math.floor(Date.parse(run.created_at) / 1000),
      model: servedModel(this.engine, options.model)?.status.model ?? options.model ?? '',
      includeUsage: request.stream_options?.include_usage ?? false,
      isClientTool: (name) => isClientTool(options, name),
      showsEvents: offersServerTools(options),
    };
    return { run, terms };
  }

  /** The run's events, the first and the last too, however long ago they were. Ends early on abort. */
  async *follow(run: RunView, signal: AbortSignal): AsyncGenerator<GantryEvent> {
    const [first] = await retryTransient(() => this.firstEvent(run), DATABASE_PATIENCE_MS, signal);
    const afterSeq = Number(first?.seq ?? 1) - 1;
    for await (const event of this.log.subscribe(run.session_id, afterSeq, signal)) {
      if (event.type === 'live' || event.run_id !== run.id) continue;
      yield event;
      if (isTerminalEvent(event)) return;
    }
  }

  /** Nobody hears the end. Waits for a database that is away, a minute at most, or until the signal aborts. */
  async abandon(owner: string, run: RunView, signal: AbortSignal): Promise<void> {
    const cancel = () => this.runs.cancel(owner, { run_id: run.id });
    await retryTransient(cancel, DATABASE_PATIENCE_MS, signal);
  }

  private firstEvent(run: RunView): Promise<{ seq: string }[]> {
    return this.dataSource.query('SELECT seq FROM events WHERE run_id = $1 ORDER BY seq LIMIT 1', [run.id]);
  }
}
