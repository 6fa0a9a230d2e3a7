import { type ChatWrapper, GgmlType, type Llama, type LlamaContext, type LlamaModel } from 'node-llama-cpp';
import { FILE_TYPES } from '../../../models/ggml-types.js';
import { templateFacts } from '../../../models/template-family.js';
import type { CacheType } from '../../cache-types.js';
import type { ModelCard } from '../../model-card.js';
import type { HostSampling, LoadedModelFacts } from '../protocol.js';
import type { PromptTemplate } from './prompt-template.js';

interface Parts {
  readonly path: string;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly wrapper: ChatWrapper;
  readonly template: PromptTemplate;
  readonly threads: number;
  readonly sampling: HostSampling;
}

/** What the server is told of a model that stands ready. */
export function loadedFacts(parts: Parts): LoadedModelFacts {
  const { path, llama, model, context, wrapper, template, threads } = parts;
  const cacheType = GgmlType[context.kvCacheKeyType].toLowerCase() as CacheType;
  return {
    path,
    contextSize: context.contextSize,
    nativeContextSize: model.trainContextSize,
    device: llama.gpu === false ? 'cpu' : llama.gpu,
    gpuLayers: model.gpuLayers,
    threads,
    sequences: context.totalSequences,
    cacheType,
    // Still `auto` where the library leaves the choice to llama.cpp, which then takes it.
    flashAttention: context.flashAttention !== false,
    memoryBytes:
      model.memoryUsage.ram + model.memoryUsage.vram + context.memoryUsage.ram + context.memoryUsage.vram,
    batchSize: context.batchSize,
    toolCalls: template.knowsTools,
    reasoning: wrapper.settings.segments?.thought !== undefined,
    card: modelCard(parts),
  };
}

function modelCard({ model, wrapper, sampling }: Parts): ModelCard {
  const { general, tokenizer } = model.fileInfo.metadata;
  const template = templateFacts(tokenizer?.chat_template ?? '');
  const reasons = wrapper.settings.segments?.thought !== undefined;
  const { temperature = 0, topP = 1, topK = 0, minP = 0 } = sampling;
  return {
    title: typeof general?.name === 'string' ? general.name : null,
    quantization: FILE_TYPES.get(general?.file_type ?? -1) ?? null,
    sampling: { temperature, top_p: topP, top_k: topK, min_p: minP },
    reasoningStyle: reasons ? template.reasoningStyle : null,
    reasoningAlwaysOn: reasons && template.reasoningStyle === null,
    preservesThinking: template.preservesThinking,
  };
}
