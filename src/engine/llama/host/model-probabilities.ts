import type { LlamaContext, LlamaModel, Token } from 'node-llama-cpp';

/** Alternatives that a token's probabilities have at most, with it, and those of a whole distribution. */
export const FEW = 20;
export const MANY = 1024;

/** The natural logarithm of each token's probability, the likeliest first; the one that was taken is among them. */
export type LogProbabilities = ReadonlyMap<Token, number>;

type Pairs = readonly number[];
type Sampled = readonly [
  token: Token,
  probabilities: Pairs | undefined,
  confidence: number | undefined,
  logits: Pairs | undefined,
  totalWeight: number | undefined,
];
interface Sampler {
  applyConfig(config: { readonly temperature: number }): void;
}

/** What the library keeps to itself and this file needs of it. */
interface NativeContext {
  sampleToken(place: number, sampler: Sampler, ...wanted: readonly unknown[]): Promise<Token | Sampled>;
}
interface Internals {
  readonly _ctx: NativeContext;
}
interface ModelInternals {
  readonly _model: object;
  readonly _llama: { readonly _bindings: { readonly AddonSampler: new (model: object) => Sampler } };
}

const GREEDY = { temperature: 0 };

/**
 * The library tells with what probability a token was sampled: after temperature, cuts, penalties, biases and grammar.
 * Asked of this context it tells what the model itself held, as logarithms: a second look at the same logits, which
 * changes nothing of what is sampled. `{ probabilities }` gives FEW of them, `{ probabilities, confidence }` MANY.
 */
export function tellModelProbabilities(context: LlamaContext, model: LlamaModel): void {
  const native = (context as unknown as Internals)._ctx;
  const { _model, _llama } = model as unknown as ModelInternals;
  const sample = native.sampleToken.bind(native);
  // A sampler's candidates are its own; looks at several sequences run side by side.
  const idle: Sampler[] = [];
  const makeSampler = (): Sampler => {
    const made = new _llama._bindings.AddonSampler(_model);
    made.applyConfig(GREEDY);
    return made;
  };
  const look = async (place: number, taken: Token, count: number): Promise<Pairs> => {
    const greedy = idle.pop() ?? makeSampler();
    try {
      const found = await sample(place, greedy, false, false, [[taken], false, false, false, count], true);
      return typeof found === 'number' ? [] : logarithms(found);
    } finally {
      idle.push(greedy);
    }
  };
  Object.defineProperty(native, 'sampleToken', {
    value: async (place: number, sampler: Sampler, ...wanted: readonly unknown[]) => {
      const [probabilities, confidence] = wanted;
      if (probabilities !== true) return sample(place, sampler, ...wanted);
      const token = await sample(place, sampler);
      if (typeof token !== 'number' || token < 0) return token;
      return [token, await look(place, token, confidence === true ? MANY : FEW)];
    },
  });
}

/** `totalWeight` is the sum of exp(logit - highest logit). */
function logarithms([, , , logits = [], totalWeight = 1]: Sampled): Pairs {
  const subtrahend = (logits[1] ?? 0) + Math.log(totalWeight);
  return logits.map((value, index) => (index % 2 === 0 ? value : value - subtrahend));
}
