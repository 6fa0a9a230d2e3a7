import type { LlamaModel } from 'node-llama-cpp';

/** How a model's file says that one vector is made of those of all tokens: llama.cpp's numbers. */
export const POOLING = { none: 0, last: 3, rank: 4 } as const;

/** Looks at all of a text at once, or is made to score pairs: what it would write is noise, though llama.cpp lets it. */
export function onlyReads(model: LlamaModel): boolean {
  const { fileInfo, fileInsights } = model;
  const { causal } = fileInfo.architectureMetadata.attention ?? {};
  return causal === false || !fileInsights.hasDecoder || poolingOf(model) === POOLING.rank;
}

export function poolingOf({ fileInfo }: LlamaModel): number | undefined {
  return fileInfo.architectureMetadata.pooling_type;
}
