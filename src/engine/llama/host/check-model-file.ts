import { availableMemory } from 'node:process';
import { GgufInsights, readGgufFileInfo, type GgufFileInfo, type Llama } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import { ModelError } from '../../../models/model-error.js';
import { readModelFiles } from '../../../models/read-model-files.js';
import { isQuantized } from '../../cache-types.js';
import type { LoadSettings } from '../protocol.js';
import { flashAttention } from './cache-options.js';

/** Why a model is not loaded, in words for the person who chose it. */
export class LoadRefused extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = 'LoadRefused';
  }
}

const SMALLEST_CONTEXT = 256;
const DAMAGED_HINT = 'The file is damaged or was not downloaded to its end; get it again.';

/** Everything that can be known before the native loader sees the file. Rejects with LoadRefused. */
export async function checkModelFile(path: string, settings: LoadSettings, llama: Llama): Promise<void> {
  await readHeaders(path);
  checkSettings(settings, llama);
  const insights = await GgufInsights.from(await readInfo(path), llama);
  checkContextSize(settings.contextSize, insights.trainContextSize);
  checkMemory(path, settings, insights, llama);
}

/** Our own reader is the first: the library believes what a header says of its size. */
async function readHeaders(path: string): Promise<void> {
  try {
    await readModelFiles(path);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new LoadRefused(error.message, error.hint ?? DAMAGED_HINT);
  }
}

async function readInfo(path: string): Promise<GgufFileInfo> {
  try {
    return await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false });
  } catch (error) {
    throw new LoadRefused(`The header of ${path} cannot be read: ${messageOf(error)}`, DAMAGED_HINT);
  }
}

function checkSettings({ gpuLayers, cacheType, flashAttention }: LoadSettings, llama: Llama): void {
  if (llama.gpu === false && gpuLayers !== 'auto' && gpuLayers !== 0) {
    throw new LoadRefused(
      `${gpuLayers === 'max' ? 'All' : gpuLayers} layers were asked for on a GPU, and none is in use.`,
      'Ask for 0 or for "auto".',
    );
  }
  if (isQuantized(cacheType) && flashAttention === false) {
    throw new LoadRefused(
      `A KV cache of ${cacheType} was asked for without flash attention, and llama.cpp needs it for that.`,
      'Let flash attention be on, or take f16.',
    );
  }
}

function checkContextSize(asked: LoadSettings['contextSize'], native: number | undefined): void {
  if (asked === 'auto') return;
  if (asked < SMALLEST_CONTEXT) {
    throw new LoadRefused(
      `A context of ${asked} tokens is too small to hold a conversation.`,
      `Ask for ${SMALLEST_CONTEXT} or more.`,
    );
  }
  if (native !== undefined && asked > native) {
    throw new LoadRefused(
      `A context of ${asked} tokens was asked for; the model was trained for ${native}.`,
      'Ask for less, or for "auto".',
    );
  }
}

function checkMemory(path: string, settings: LoadSettings, insights: GgufInsights, llama: Llama): void {
  // With a GPU the split between its memory and ours is the library's to find; it refuses by itself.
  if (llama.gpu !== false && settings.memoryBudgetBytes === undefined) return;
  const budget = settings.memoryBudgetBytes ?? availableMemory();
  const contextSize = settings.contextSize === 'auto' ? SMALLEST_CONTEXT : settings.contextSize;
  const needed =
    insights.estimateModelResourceRequirements({ gpuLayers: 0 }).cpuRam +
    insights.estimateContextResourceRequirements({
      contextSize,
      modelGpuLayers: 0,
      sequences: settings.sequences,
      flashAttention: flashAttention(settings, llama) === true,
      // A quantized cache is counted as f16: the library's estimate of one is ten times what it takes.
    }).cpuRam;
  if (needed <= budget) return;
  throw new LoadRefused(
    `${path} does not fit: it needs about ${mebibytes(needed)} MiB with a context of ${contextSize} tokens, ` +
      `${mebibytes(budget)} MiB can be used.`,
    'Choose a smaller model or quantization, a smaller context, or fewer sequences.',
  );
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
