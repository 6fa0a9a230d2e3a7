import type { LlamaModel } from 'node-llama-cpp';

/** How a model's file says that one vector is made of those of all tokens: llama.cpp's numbers. */
export const POOLING = { none: 0, last: 3, rank: 4 } as const;

export function poolingOf({ fileInfo }: LlamaModel): number | undefined {
  return fileInfo.architectureMetadata.pooling_type;
}
