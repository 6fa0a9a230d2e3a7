/** What embeddings and rankings of a model have in common. */
export interface VectorTerms {
  /** Tokens of one input at most. */
  readonly longestInput: number;
  readonly threads: number;
  readonly idleMs: number;
  /** Told when memory was taken or freed. */
  readonly onChange: () => void;
}

/** Does a piece of work when it is its request's turn. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;
