import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
import { EngineError } from '../engine-error.js';
import type { FromHost, ToHost } from './protocol.js';

export type VectorReply = Extract<FromHost, { type: 'embedded' | 'ranked' | 'vectors_failed' }>;
type VectorQuestion = Extract<ToHost, { type: 'embed' | 'rank' }>;

interface OpenQuestion {
  readonly add: (reply: VectorReply) => void;
  readonly fail: (error: EngineError) => void;
}

/** Questions for embeddings and rankings that the host has not answered to their end. */
export class VectorReplies {
  private readonly open = new Map<number, OpenQuestion>();

  constructor(private readonly send: (message: ToHost) => void) {}

  async embed(id: number, { owner, inputs }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const vectors: Float32Array<ArrayBuffer>[] = [];
    const promptTokens = await this.ask(
      { type: 'embed', id, owner, inputs: copied(inputs) },
      signal,
      (reply) => {
        if (reply.type === 'embedded') vectors.push(reply.vector);
        return vectors.length === inputs.length;
      },
    );
    return { vectors, promptTokens };
  }

  async rank(id: number, { owner, query, documents }: RankRequest, signal: AbortSignal): Promise<Ranking> {
    const scores: number[] = [];
    const question: VectorQuestion = { type: 'rank', id, owner, query, documents: [...documents] };
    const promptTokens = await this.ask(question, signal, (reply) => {
      if (reply.type === 'ranked') scores.push(reply.score);
      return scores.length === documents.length;
    });
    return { scores, promptTokens };
  }

  /** An answer to a question that nobody asks any more is let go. */
  receive(reply: VectorReply): void {
    this.open.get(reply.id)?.add(reply);
  }

  break(error: EngineError): void {
    for (const question of this.open.values()) question.fail(error);
    this.open.clear();
  }

  /** Resolves to the tokens of all parts once `take` says that it has the last; the host stops when aborted. */
  private ask(
    question: VectorQuestion,
    signal: AbortSignal,
    take: (part: VectorReply) => boolean,
  ): Promise<number> {
    signal.throwIfAborted();
    const { id } = question;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let tokens = 0;
    const onAbort = (): void => {
      this.send({ type: 'cancel', id });
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.open.set(id, {
      add: (reply) => {
        if (reply.type === 'vectors_failed') {
          reject(new EngineError(reply.code, reply.message));
          return;
        }
        tokens += reply.tokens;
        if (take(reply)) resolve(tokens);
      },
      fail: reject,
    });
    this.send(question);
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.open.delete(id);
    });
  }
}

function copied(inputs: EmbedRequest['inputs']): string[] | number[][] {
  return typeof inputs[0] === 'string' ? inputs.map(String) : inputs.map((ids) => Array.from(ids, Number));
}
