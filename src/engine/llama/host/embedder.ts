import type { LlamaEmbeddingContext, LlamaModel, Token } from 'node-llama-cpp';
import { type EmbeddingInputs, normalised } from '../../embedding.js';
import { contextCost, vectorContextOptions } from './context-cost.js';
import { POOLING, poolingOf } from './pooling.js';
import { SizedContext } from './sized-context.js';
import { checkLengths, checkTokenIds, tokenized } from './vector-input.js';
import { VectorsRefused } from './vectors-refused.js';
import type { InTurn, VectorTerms } from './vector-terms.js';

const nameOf = (index: number): string => `Input ${index}`;

/** Makes embeddings in a context of its own, one input at a time. */
export class Embedder {
  private readonly context: SizedContext<LlamaEmbeddingContext>;

  constructor(
    private readonly model: LlamaModel,
    private readonly terms: VectorTerms,
  ) {
    this.context = new SizedContext({
      create: async (size) => {
        const options = vectorContextOptions(model, size, terms.threads);
        const bytes = await contextCost(model, options);
        return { context: await model.createEmbeddingContext(options), bytes };
      },
      idleMs: terms.idleMs,
      onChange: terms.onChange,
    });
  }

  get bytes(): number {
    return this.context.bytes;
  }

  /** `onVector` is told each input's vector, of length 1, and its tokens, in order. Rejects with VectorsRefused. */
  async embed(
    inputs: EmbeddingInputs,
    inTurn: InTurn,
    onVector: (vector: Float32Array<ArrayBuffer>, tokens: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.checkModel();
    const all = await this.tokensOf(inputs, signal);
    const lengths = await inTurn(() =>
      this.context.use(0, (context) => all.map((tokens) => context.calculateInputLength(tokens))),
    );
    checkLengths(lengths, this.terms.longestInput, nameOf);
    for (const [index, tokens] of all.entries()) {
      const length = lengths[index] ?? 0;
      const vector = await inTurn(() =>
        this.context.use(length, async (context) => (await context.getEmbeddingFor(tokens)).vector),
      );
      onVector(normalised(Float32Array.from(vector)), length);
    }
  }

  private checkModel(): void {
    const { fileInsights } = this.model;
    if (fileInsights.hasEncoder && fileInsights.hasDecoder) {
      throw new VectorsRefused('invalid_request', 'A model of encoder and decoder makes no embeddings.');
    }
    if (poolingOf(this.model) === POOLING.rank) {
      throw new VectorsRefused(
        'invalid_request',
        'This model is a reranker and makes no embeddings; an embedding model does.',
      );
    }
  }

  private tokensOf(inputs: EmbeddingInputs, signal: AbortSignal): Promise<Token[][]> {
    if (isTexts(inputs)) return tokenized(this.model, inputs, nameOf, signal);
    checkTokenIds(inputs, this.vocabularySize(), nameOf);
    return Promise.resolve(inputs.map((ids) => [...ids] as Token[]));
  }

  private vocabularySize(): number {
    return [...this.model.iterateAllTokens()].length;
  }
}

function isTexts(inputs: EmbeddingInputs): inputs is readonly string[] {
  return typeof inputs[0] === 'string';
}
