import { Inject, Injectable } from '@nestjs/common';
import type { Embeddings, EmbedRequest, Ranking, RankRequest } from '../../engine/embedding.js';
import { engineFor } from '../../engine/engine-for.js';
import { EngineError } from '../../engine/engine-error.js';
import { ENGINE, type Engine } from '../../engine/engine.js';
import { DomainError } from '../../errors.js';
import { checkModel } from '../../runs/check-model.js';

/** An answer, and the model that gave it. */
export interface Answered<T> {
  readonly answer: T;
  readonly model: string;
}

/** Requests at work or waiting: each may hold some MiB. */
const MOST_REQUESTS = 64;
/** A host that died in the middle is there again in a moment, with nothing lost but time. */
const TRIES = 3;

/** Embeddings and rankings. They are no runs: nothing of them is kept, and who goes away stops them. */
@Injectable()
export class VectorService {
  private atWork = 0;

  constructor(@Inject(ENGINE) private readonly engine: Engine) {}

  /** Rejects with DomainError or EngineError, or as the signal does. */
  embed(asked: EmbedRequest, signal: AbortSignal): Promise<Answered<Embeddings>> {
    return this.answered(asked, (engine, request) => engine.embed(request, signal));
  }

  /** As `embed`. */
  rank(asked: RankRequest, signal: AbortSignal): Promise<Answered<Ranking>> {
    return this.answered(asked, (engine, request) => engine.rank(request, signal));
  }

  private async answered<R extends { readonly model?: string }, T>(
    { model, ...request }: R,
    ask: (engine: Engine, request: Omit<R, 'model'>) => Promise<T>,
  ): Promise<Answered<T>> {
    this.checkPlace();
    checkModel(this.engine, model);
    const engine = engineFor(this.engine, model);
    this.atWork += 1;
    try {
      const answer = await again(() => ask(engine, request));
      return { answer, model: engine.status().model };
    } finally {
      this.atWork -= 1;
    }
  }

  private checkPlace(): void {
    if (this.engine.status().state === 'elsewhere') {
      throw new DomainError(
        'conflict',
        'This process has no model: it was started with GANTRY_WORKER=off. Ask one that works runs.',
        { reason: 'model_elsewhere' },
      );
    }
    if (this.atWork >= MOST_REQUESTS) {
      throw new DomainError(
        'rate_limited',
        `${this.atWork} requests for embeddings or rankings are waiting already; try again in a moment.`,
        { reason: 'too_many_requests' },
      );
    }
  }
}

async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const isOver = !(error instanceof EngineError) || error.code !== 'stream_interrupted';
      if (isOver || attempt === TRIES) throw error;
    }
  }
}
