import type { LlamaModel, LlamaRankingContext } from 'node-llama-cpp';
import { contextCost, type VectorContextOptions } from './context-cost.js';
import { SizedContext } from './sized-context.js';
import { checkLengths, tokenized } from './vector-input.js';
import { VectorsRefused } from './vectors-refused.js';
import type { InTurn, VectorTerms } from './vector-terms.js';

const nameOf = (index: number): string => `Document ${index}, with the query,`;

/** Tells how well documents answer a query, in a context of its own, one document at a time. */
export class Ranker {
  private readonly context: SizedContext<LlamaRankingContext>;

  constructor(
    private readonly model: LlamaModel,
    private readonly terms: VectorTerms,
  ) {
    this.context = new SizedContext({
      create: async (size) => {
        // The score is that of the whole input, so all of it is one batch.
        const options: VectorContextOptions = { contextSize: size, batchSize: size, threads: terms.threads };
        const bytes = await contextCost(model, options);
        return { context: await model.createRankingContext(options), bytes };
      },
      idleMs: terms.idleMs,
      onChange: terms.onChange,
    });
  }

  get bytes(): number {
    return this.context.bytes;
  }

  /** `onScore` is told each document's score, 0 to 1, and the tokens of the pair, in order. Rejects with VectorsRefused. */
  async rank(
    { query, documents }: { readonly query: string; readonly documents: readonly string[] },
    inTurn: InTurn,
    onScore: (score: number, tokens: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.model.fileInsights.supportsRanking) throw notARanker();
    const [asked = []] = await tokenized(this.model, [query], () => 'The query', signal);
    const all = await tokenized(this.model, documents, nameOf, signal);
    const lengths = await inTurn(() =>
      this.context.use(0, (context) => all.map((tokens) => context.calculateInputLength(asked, tokens))),
    );
    checkLengths(lengths, this.terms.longestInput, nameOf);
    for (const [index, tokens] of all.entries()) {
      const length = lengths[index] ?? 0;
      const score = await inTurn(() => this.context.use(length, (context) => context.rank(asked, tokens)));
      onScore(score, length);
    }
  }
}

function notARanker(): VectorsRefused {
  return new VectorsRefused(
    'invalid_request',
    'This model cannot rank: it has no classification head. A reranker has one, such as bge-reranker-v2-m3 or ' +
      'Qwen3-Reranker in a GGUF that was converted for ranking.',
  );
}
