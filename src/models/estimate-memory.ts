import type { GgufValue } from './parse-gguf-header.js';
import type { ModelFile } from './read-model-files.js';

/** What memory depends on beside the file. */
export interface MemoryTerms {
  /** Tokens of one conversation. */
  readonly contextSize: number;
  readonly sequences: number;
  readonly cacheType: string;
}

/** Bytes of one number of the KV cache, with its share of the block's scales. */
const BYTES_OF_TYPE: Readonly<Record<string, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
  iq4_nl: 18 / 32,
};
/** Tokens that are evaluated at once. */
const BATCH = 512;
const STEP = 256;

/**
 * Bytes that a model takes with its context, from its header: weights, KV cache and the buffers of one batch. On the
 * high side where a model saves by sliding windows or other means; pure.
 */
export function estimateMemory(files: readonly [ModelFile, ...ModelFile[]], terms: MemoryTerms): number {
  const weights = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.ceil(weights + bytesPerToken(files, terms) * terms.contextSize + batchBytes(files));
}

/** The largest context, in whole steps up to `most`, that fits into so many bytes; undefined when the least does not. */
export function largestContext(
  files: readonly [ModelFile, ...ModelFile[]],
  { sequences, cacheType }: Omit<MemoryTerms, 'contextSize'>,
  { most, bytes }: { readonly most: number; readonly bytes: number },
): number | undefined {
  const left = bytes - estimateMemory(files, { contextSize: 0, sequences, cacheType });
  const perToken = bytesPerToken(files, { sequences, cacheType });
  const fitting = perToken === 0 ? most : Math.min(most, Math.floor(left / perToken / STEP) * STEP);
  return left >= 0 && fitting >= Math.min(STEP, most) ? fitting : undefined;
}

function bytesPerToken(
  files: readonly [ModelFile, ...ModelFile[]],
  { sequences, cacheType }: Omit<MemoryTerms, 'contextSize'>,
): number {
  const number = numbersOf(files);
  const layers = number('block_count') ?? 0;
  const perNumber = BYTES_OF_TYPE[cacheType] ?? 2;
  const latent = number('attention.kv_lora_rank');
  if (latent !== undefined) {
    return layers * sequences * (latent + (number('rope.dimension_count') ?? 0)) * perNumber;
  }
  const heads = number('attention.head_count') ?? 0;
  const keyHeads = number('attention.head_count_kv') ?? heads;
  const headLength = heads === 0 ? 0 : (number('embedding_length') ?? 0) / heads;
  const lengths =
    (number('attention.key_length') ?? headLength) + (number('attention.value_length') ?? headLength);
  return layers * sequences * keyHeads * lengths * perNumber;
}

/** What one batch is worked in: its logits, and some copies of its vectors. */
function batchBytes(files: readonly [ModelFile, ...ModelFile[]]): number {
  const tokens = files[0].header.values.get('tokenizer.ggml.tokens');
  const vocabulary = typeof tokens === 'object' ? tokens.length : 0;
  const width = numbersOf(files)('embedding_length') ?? 0;
  return BATCH * 4 * (vocabulary + 8 * width);
}

function numbersOf([{ header }]: readonly [ModelFile, ...ModelFile[]]) {
  const named = header.values.get('general.architecture');
  const architecture = typeof named === 'string' ? named : '';
  return (key: string): number | undefined => positive(header.values.get(`${architecture}.${key}`));
}

function positive(value: GgufValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}
