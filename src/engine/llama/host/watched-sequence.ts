import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { FEW, type LogProbabilities } from './model-probabilities.js';

export interface Watch {
  /** How many alternatives are wanted with each token. */
  readonly alternatives: number;
  readonly onToken: (token: Token, probabilities: LogProbabilities) => void;
}

/** The same sequence to whom it is lent; of each token that is made there, the watch is told. */
export function watchedSequence(sequence: LlamaContextSequence, watch: Watch): LlamaContextSequence {
  const evaluate = (tokens: Token[], options?: SequenceEvaluateOptions) =>
    watchedTokens(sequence, watch, tokens, options);
  return new Proxy(sequence, {
    get(target, name) {
      if (name === 'evaluate') return evaluate;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function* watchedTokens(
  sequence: LlamaContextSequence,
  { alternatives, onToken }: Watch,
  tokens: Token[],
  options: SequenceEvaluateOptions | undefined,
): AsyncGenerator<Token, void, void | Token | Token[]> {
  const wanted = { probabilities: true, confidence: alternatives > FEW } as const;
  const made = sequence.evaluateWithMetadata(tokens, wanted, options);
  let replaced: Token | Token[] | undefined;
  try {
    for (;;) {
      const next = await made.next(replaced);
      if (next.done === true) return;
      const { token, probabilities } = next.value;
      onToken(token, probabilities);
      replaced = (yield token) ?? undefined;
    }
  } finally {
    await made.return();
  }
}
