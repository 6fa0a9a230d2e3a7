/** Texts, or the ids of their tokens. */
export type EmbeddingInputs = readonly string[] | readonly (readonly number[])[];

export interface EmbedRequest {
  readonly model?: string;
  /** Whose request it is: owners take turns. */
  readonly owner: string;
  /** None of them empty. */
  readonly inputs: EmbeddingInputs;
}

export interface Embeddings {
  /** One for each input, in their order, each of length 1. */
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
  /** Of all inputs, with the marks that the model needs around each. */
  readonly promptTokens: number;
}

export interface RankRequest {
  readonly model?: string;
  readonly owner: string;
  readonly query: string;
  readonly documents: readonly string[];
}

export interface Ranking {
  /** How much each document has to do with the query, in their order; of a local model from 0 to 1. */
  readonly scores: readonly number[];
  /** Of all pairs of query and document. */
  readonly promptTokens: number;
}

/** The vector in its direction with length 1; one without a direction stays as it is. */
export function normalised(vector: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? vector.map((value) => value / length) : vector;
}
