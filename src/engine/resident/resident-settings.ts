import type { CacheType } from '../cache-types.js';
import type { LoadMode } from '../load-mode.js';

/** How a model is asked to be loaded. Two loads with equal settings are the same. */
export interface ResidentSettings {
  /** Tokens each conversation can hold; `auto` takes what memory allows, an explicit number is never made smaller. */
  readonly contextSize: 'auto' | number;
  readonly cacheType: CacheType;
  /** Jinja, in place of the model's own. */
  readonly chatTemplate?: string;
  /** Conversations that are worked on at the same time. */
  readonly sequences: number;
  readonly gpuLayers: 'auto' | 'max' | number;
  readonly threads: 'auto' | number;
  readonly flashAttention: 'auto' | boolean;
  /** Tokens that are evaluated at once. */
  readonly batchSize: 'auto' | number;
  readonly loadMode: LoadMode;
}
