import type { LlamaModel } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import { FairQueue } from '../../fair-queue.js';
import type { FromHost, ToHost } from '../protocol.js';
import { Embedder } from './embedder.js';
import { Ranker } from './ranker.js';
import { VectorsRefused } from './vectors-refused.js';
import type { InTurn, VectorTerms } from './vector-terms.js';

type Question = Extract<ToHost, { type: 'embed' | 'rank' }>;

/**
 * Takes the questions for embeddings and rankings. Requests take turns input by input, so that a large one holds up
 * nobody for longer than one of its inputs takes; generations go on beside them in their own context.
 */
export class VectorDesk {
  private readonly line = new FairQueue(1);
  private readonly embedder: Embedder;
  private readonly ranker: Ranker;
  private readonly atWork = new Map<number, AbortController>();

  constructor(
    model: LlamaModel,
    terms: Omit<VectorTerms, 'onChange'>,
    private readonly send: (message: FromHost) => void,
    /** Told the bytes that the contexts here take now. */
    onMemory: (bytes: number) => void,
  ) {
    const onChange = (): void => onMemory(this.embedder.bytes + this.ranker.bytes);
    this.embedder = new Embedder(model, { ...terms, onChange });
    this.ranker = new Ranker(model, { ...terms, onChange });
  }

  /** Answers in messages. Never rejects; a question that was cancelled has no answer. */
  async take(question: Question): Promise<void> {
    const { id } = question;
    const abort = new AbortController();
    this.atWork.set(id, abort);
    try {
      await this.answer(question, abort.signal);
    } catch (error) {
      if (!abort.signal.aborted) this.send(failed(id, error));
    } finally {
      this.atWork.delete(id);
    }
  }

  cancel(id: number): void {
    this.atWork.get(id)?.abort();
  }

  private answer(question: Question, signal: AbortSignal): Promise<void> {
    const { id } = question;
    const inTurn = this.turnsOf(question.owner, signal);
    switch (question.type) {
      case 'embed':
        return this.embedder.embed(
          question.inputs,
          inTurn,
          (vector, tokens) => this.send({ type: 'embedded', id, vector, tokens }),
          signal,
        );
      case 'rank':
        return this.ranker.rank(
          question,
          inTurn,
          (score, tokens) => this.send({ type: 'ranked', id, score, tokens }),
          signal,
        );
      default:
        return question satisfies never;
    }
  }

  private turnsOf(owner: string, signal: AbortSignal): InTurn {
    return async (work) => {
      const place = this.line.enter(owner);
      try {
        for await (const _position of place.positions(signal));
        return await work();
      } finally {
        place.leave();
      }
    };
  }
}

function failed(id: number, error: unknown): FromHost {
  const code = error instanceof VectorsRefused ? error.code : 'provider';
  return { type: 'vectors_failed', id, code, message: messageOf(error) };
}
