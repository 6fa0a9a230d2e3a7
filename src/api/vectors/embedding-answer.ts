import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Embeddings, normalised } from '../../engine/embedding.js';
import { DomainError } from '../../errors.js';
import type { EmbeddingRequest } from './embedding-request.js';

type Vector = Embeddings['vectors'][number];

/** The first `dimensions` numbers of each vector, of length 1 again. Throws DomainError where there are fewer. */
export function shortened(
  vectors: readonly Vector[],
  dimensions: number | null | undefined,
): readonly Vector[] {
  const length = vectors[0]?.length ?? 0;
  if (dimensions === undefined || dimensions === null || dimensions === length) return vectors;
  if (dimensions > length) {
    throw new DomainError(
      'invalid_request',
      `The vectors of this model have ${length} dimensions; ${dimensions} were asked for.`,
      { param: 'dimensions', reason: 'too_many_dimensions' },
    );
  }
  return vectors.map((vector) => normalised(vector.slice(0, dimensions)));
}

/** OpenAI's answer as JSON, vector by vector: all of a large one at once would hold up everybody else. */
export async function* embeddingAnswer(
  vectors: readonly Vector[],
  format: EmbeddingRequest['encoding_format'],
  { model, promptTokens }: { readonly model: string; readonly promptTokens: number },
): AsyncGenerator<string, void, void> {
  yield '{"object":"list","data":[';
  for (const [index, vector] of vectors.entries()) {
    const embedding = format === 'base64' ? JSON.stringify(base64(vector)) : `[${numbers(vector)}]`;
    yield `${index === 0 ? '' : ','}{"object":"embedding","index":${index},"embedding":${embedding}}`;
    await nextTurn();
  }
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  yield `],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`;
}

/** Little-endian 32-bit numbers, as OpenAI sends them. */
function base64(vector: Vector): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}

/** Nine digits tell any 32-bit number from its neighbours; the double it is held in would print more. */
function numbers(vector: Vector): string {
  return Array.from(vector, (value) => Number(value.toPrecision(9))).join(',');
}
