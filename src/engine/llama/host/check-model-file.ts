import { open, stat } from 'node:fs/promises';
import { availableMemory } from 'node:process';
import { GgufInsights, readGgufFileInfo, type GgufFileInfo, type Llama } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import type { LoadSettings } from '../protocol.js';

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

/** Everything that can be known before the native loader sees the file. Rejects with LoadRefused. */
export async function checkModelFile(path: string, settings: LoadSettings, llama: Llama): Promise<void> {
  const size = await sizeOfRegularFile(path);
  await checkMagic(path);
  const info = await readHeader(path);
  checkComplete(path, info, size);
  const insights = await GgufInsights.from(info, llama);
  checkContextSize(settings.contextSize, insights.trainContextSize);
  checkMemory(path, settings, insights, llama);
}

async function sizeOfRegularFile(path: string): Promise<number> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return stats.size;
  } catch (error) {
    throw new LoadRefused(
      `The model file ${path} cannot be read: ${messageOf(error)}`,
      'Set MODEL to "demo", to the path of a GGUF file, or to hf:owner/repo.',
    );
  }
  throw new LoadRefused(`${path} is not a file.`, 'Set MODEL to the GGUF file inside that directory.');
}

async function checkMagic(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead === 4 && buffer.toString('latin1') === 'GGUF') return;
  } finally {
    await file.close();
  }
  throw new LoadRefused(
    `${path} is not a GGUF file.`,
    'Only GGUF models can be run; safetensors and PyTorch files must be converted first.',
  );
}

async function readHeader(path: string): Promise<GgufFileInfo> {
  try {
    return await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false });
  } catch (error) {
    throw new LoadRefused(`The header of ${path} cannot be read: ${messageOf(error)}`, TRUNCATED_HINT);
  }
}

const TRUNCATED_HINT = 'The file is damaged or was not downloaded to its end; get it again.';

function checkComplete(path: string, info: GgufFileInfo, size: number): void {
  if (info.splicedParts > 1) return;
  const dataStart = info.metadataSize + (info.tensorInfoSize ?? 0);
  const lastOffset = (info.tensorInfo ?? []).reduce(
    (last, tensor) => Math.max(last, Number(tensor.offset)),
    0,
  );
  if (size > dataStart + lastOffset) return;
  throw new LoadRefused(
    `${path} ends at byte ${size}, before its last tensor begins (${dataStart + lastOffset}).`,
    TRUNCATED_HINT,
  );
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
