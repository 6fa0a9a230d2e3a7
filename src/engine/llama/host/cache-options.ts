import { GgmlType, type Llama } from 'node-llama-cpp';
import { type CacheType, isQuantized } from '../../cache-types.js';
import type { LoadSettings } from '../protocol.js';

export function ggmlType(cacheType: CacheType): GgmlType {
  return GgmlType[cacheType.toUpperCase() as keyof typeof GgmlType];
}

/** llama.cpp reads values that are quantized with flash attention only. */
export function flashAttention(
  { flashAttention: asked, cacheType }: LoadSettings,
  llama: Llama,
): 'auto' | boolean {
  if (asked !== 'auto') return asked;
  if (isQuantized(cacheType)) return true;
  return llama.gpu === false ? false : 'auto';
}
