/**
 * How a model's file comes into memory. `mmap`: mapped, its pages read as they are used. `mlock`: held there, never swapped
 * out. `dio`: past the system's cache. `none`: read like any file. `auto`: as llama.cpp finds best.
 */
export const LOAD_MODES = ['auto', 'none', 'mmap', 'mlock', 'mmap+mlock', 'dio'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];
