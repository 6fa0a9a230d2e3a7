import type { LlamaModel } from 'node-llama-cpp';
import type { HostSampling } from '../protocol.js';

/** What most instruction models are tuned for, where a file says nothing. */
const COMMON: HostSampling = { temperature: 0.7, topP: 0.95, topK: 40, minP: 0.05 };

/** A temperature given by the caller, else the file's own advice (`general.sampling.*`), else the common one. */
export function defaultSampling(model: LlamaModel, temperature: number | undefined): HostSampling {
  if (temperature !== undefined) return { ...COMMON, temperature };
  const general: unknown = model.fileInfo.metadata.general;
  const advice: unknown = isRecord(general) ? general['sampling'] : undefined;
  if (!isRecord(advice)) return COMMON;
  return {
    temperature: numberOr(advice['temp'], COMMON.temperature),
    topP: numberOr(advice['top_p'], COMMON.topP),
    topK: numberOr(advice['top_k'], COMMON.topK),
    minP: numberOr(advice['min_p'], COMMON.minP),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function numberOr(value: unknown, fallback: number | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : fallback;
}
