import { availableMemory } from 'node:process';
import type { LlamaModel } from 'node-llama-cpp';
import { POOLING, poolingOf } from './pooling.js';
import { VectorsRefused } from './vectors-refused.js';

/** What a context for embeddings or ranking is made with. */
export interface VectorContextOptions {
  readonly contextSize: number;
  readonly batchSize?: number;
  readonly threads: number;
}

/**
 * A model that looks at all tokens at once, or takes the mean over them, needs the whole input in one batch: from
 * several, llama.cpp would give what belongs to the last of them.
 */
export function vectorContextOptions(model: LlamaModel, size: number, threads: number): VectorContextOptions {
  const { attention } = model.fileInfo.architectureMetadata;
  const pooling = poolingOf(model);
  const isLastToken = pooling === undefined || pooling === POOLING.none || pooling === POOLING.last;
  const isPiecewise = isLastToken && attention?.causal !== false;
  return { contextSize: size, threads, ...(isPiecewise ? {} : { batchSize: size }) };
}

/** Bytes that such a context takes. Rejects with VectorsRefused where they are not to be had. */
export async function contextCost(model: LlamaModel, options: VectorContextOptions): Promise<number> {
  const { cpuRam, gpuVram } = await model.fileInsights.estimateContextResourceRequirementsV2({
    contextSize: options.contextSize,
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    sequences: 1,
    isEmbeddingContext: true,
    modelGpuLayers: model.gpuLayers,
  });
  const free = availableMemory();
  if (cpuRam > free) {
    throw new VectorsRefused(
      'overloaded',
      `An input of this length needs ${mebibytes(cpuRam)} MiB of memory; ${mebibytes(free)} MiB are free.`,
    );
  }
  return cpuRam + gpuVram;
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
