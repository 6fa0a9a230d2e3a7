import { randomUUID } from 'node:crypto';
import type { Ranking } from '../../engine/embedding.js';
import type { RerankRequest } from './rerank-request.js';

interface RerankResult {
  /** Of the document in the request. */
  readonly index: number;
  readonly relevance_score: number;
  readonly document?: { readonly text: string };
}

export interface RerankAnswer {
  readonly id: string;
  readonly model: string;
  /** The best first; of equals the one that was named first. */
  readonly results: readonly RerankResult[];
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

export function textsOf({ documents }: RerankRequest): string[] {
  return documents.map((document) => (typeof document === 'string' ? document : document.text));
}

export function rerankAnswer(
  request: RerankRequest,
  { scores, promptTokens }: Ranking,
  model: string,
): RerankAnswer {
  const texts = textsOf(request);
  const results = scores
    .map((score, index): RerankResult => {
      const document = request.return_documents === false ? {} : { document: { text: texts[index] ?? '' } };
      return { index, relevance_score: score, ...document };
    })
    .toSorted((a, b) => b.relevance_score - a.relevance_score);
  return {
    id: `rerank-${randomUUID()}`,
    model,
    results: results.slice(0, request.top_n ?? results.length),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}
