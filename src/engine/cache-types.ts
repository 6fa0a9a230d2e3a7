/** Types of the KV cache's numbers that llama.cpp has. */
export const CACHE_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const;

export type CacheType = (typeof CACHE_TYPES)[number];

export function isQuantized(type: CacheType): boolean {
  return !['f32', 'f16', 'bf16'].includes(type);
}
