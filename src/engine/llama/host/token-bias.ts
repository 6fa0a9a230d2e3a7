import { type Token, TokenBias } from 'node-llama-cpp';
import type { HostSampling } from '../protocol.js';
import { GenerationRefused } from './generation-refused.js';
import type { LoadedModel } from './load-model.js';

/** Throws GenerationRefused for a token that is none of the model's, or that the library does not bias. */
export function tokenBias(
  { model, tokenBytes }: Pick<LoadedModel, 'model' | 'tokenBytes'>,
  asked: HostSampling['logitBias'],
): TokenBias | undefined {
  const biases = Object.entries(asked ?? {}).map(([id, logit]) => ({ token: Number(id) as Token, logit }));
  if (biases.length === 0) return undefined;
  const size = tokenBytes.vocabularySize;
  const bias = TokenBias.for(model);
  for (const { token, logit } of biases) {
    if (token >= size) {
      throw new GenerationRefused(
        'invalid_request',
        `logit_bias: there is no token ${token}; this model has ${size} tokens, 0 to ${size - 1}.`,
      );
    }
    if (model.isEogToken(token)) {
      throw new GenerationRefused(
        'invalid_request',
        `logit_bias: token ${token} ends a turn, which cannot be biased here; use max_tokens or stop.`,
      );
    }
    bias.set([token], { logit });
  }
  return bias;
}
