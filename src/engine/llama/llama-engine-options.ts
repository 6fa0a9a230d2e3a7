import type { HubAccess } from '../../models/hub-request.js';
import type { EngineStatus } from '../engine.js';
import type { CacheType } from '../cache-types.js';
import type { LoadMode } from '../load-mode.js';

export type EngineLog = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;

export interface LlamaEngineOptions {
  /** `demo`, the path of a GGUF file, or `hf:owner/repo[:quantization | /file.gguf][@revision]`. */
  readonly model: string;
  /** GANTRY_HOME: downloads go to its `models` folder. */
  readonly homeDirectory: string;
  /** Where `hf:` names are fetched from; default: the public hub, without a token. */
  readonly hub?: HubAccess;
  /** Tokens each conversation can hold; `auto` takes what memory allows, up to what the model was trained for. */
  readonly contextSize: 'auto' | number;
  /** `auto`: one for models under 64 MiB, else one for each physical core. */
  readonly threads: 'auto' | number;
  readonly gpu: 'auto' | false | 'cuda' | 'vulkan' | 'metal';
  /** Conversations that are worked on at the same time; default 4. */
  readonly sequences?: number;
  /** Layers on the GPU; default `auto`, as many as fit. Without a GPU only `auto` and 0 can be had. */
  readonly gpuLayers?: 'auto' | 'max' | number;
  /** Type of the KV cache's numbers; default f16. */
  readonly cacheType?: CacheType;
  /** Default `auto`: where it is the faster, and where the cache's type needs it. */
  readonly flashAttention?: 'auto' | boolean;
  /** Tokens that are evaluated at once; default `auto`: 512, or the context where that is smaller. */
  readonly batchSize?: 'auto' | number;
  /** Default `auto`. */
  readonly loadMode?: LoadMode;
  /** Jinja, in place of the model's own template. */
  readonly chatTemplate?: string;
  /** Conversations that make room are kept on disk up to so many bytes, below `homeDirectory`; default: none. */
  readonly stateCacheBytes?: number;
  /** A model that needs more bytes than this, with its context, is refused; default: what is free when loading. */
  readonly memoryBudgetBytes?: number;
  /** Memory for embeddings and ranking is freed after so many milliseconds without any; default 5 minutes. */
  readonly vectorIdleMs?: number;
  /** Milliseconds between the questions whether the host still answers; it is ended after twelve in vain. Default: 5000. */
  readonly pingEveryMs?: number;
  /** What the host process has in its environment, e.g. LD_LIBRARY_PATH, besides where Node keeps compiled code. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told each change of state and the progress of a load. */
  readonly onStatus?: (status: EngineStatus) => void;
  readonly log?: EngineLog;
}
