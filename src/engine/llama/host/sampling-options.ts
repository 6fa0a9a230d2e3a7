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
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
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
