import { randomInt } from 'node:crypto';
import type { HostSampling } from '../protocol.js';

/** How the library is told to sample; what was not asked for is as the model's defaults say. */
export function samplingOptions(asked: HostSampling, defaults: HostSampling) {
  const sampling = { ...defaults, ...asked };
  const penalised =
    sampling.repetitionPenalty !== undefined ||
    sampling.presencePenalty !== undefined ||
    sampling.frequencyPenalty !== undefined;
  return {
    temperature: sampling.temperature ?? 0,
    ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
    ...(sampling.topK === undefined ? {} : { topK: sampling.topK }),
    ...(sampling.minP === undefined ? {} : { minP: sampling.minP }),
    seed: seedOf(sampling.seed),
    ...(sampling.stop === undefined ? {} : { customStopTriggers: sampling.stop }),
    repeatPenalty: penalised
      ? {
          penalty: sampling.repetitionPenalty ?? 1,
          presencePenalty: sampling.presencePenalty ?? 0,
          frequencyPenalty: sampling.frequencyPenalty ?? 0,
        }
      : (false as const),
  };
}

/** Of 32 bits; the one above the last stands for chance in llama.cpp. */
const SEEDS = 2 ** 32 - 1;

/** Without one, or with llama.cpp's -1, by chance: the library would take the second, and say the same to all who ask in it. */
function seedOf(asked: number | undefined): number {
  if (asked === undefined || asked === -1) return randomInt(SEEDS);
  return ((asked % SEEDS) + SEEDS) % SEEDS;
}
