import type { EngineStatus } from '../engine.js';
import type { LoadMode } from '../load-mode.js';
import { type ModelCardView, modelCardView } from './model-card-view.js';
import type { ResidentModel } from './resident-model.js';
import type { ResidentSettings } from './resident-settings.js';

/** How a model was asked for, and how it runs. `max_seq_length`: tokens, 0 for what fits. `gpu_layers`: -1 for all. */
export interface SettingsView {
  readonly max_seq_length: number;
  readonly cache_type_kv: string;
  readonly n_parallel: number;
  readonly gpu_layers: number | 'auto';
  readonly n_threads: number | 'auto';
  readonly flash_attention: boolean | 'auto';
  readonly n_batch: number | 'auto';
  readonly load_mode: LoadMode;
  /** The template itself is not told again. */
  readonly chat_template_override: boolean;
}

export interface ProgressView {
  /** download, validate, read, context; ready. Null: there is no such model. */
  readonly phase: string | null;
  readonly bytes_loaded: number;
  readonly bytes_total: number;
  /** 0 to 1 within the phase. */
  readonly fraction: number;
}

/** A model in memory or on its way, as clients see it. Sizes in bytes. */
export interface ResidentView extends ModelCardView {
  readonly model: string;
  readonly is_gguf: boolean;
  readonly names: readonly string[];
  readonly state: string;
  readonly is_default: boolean;
  /** Null for one that this server does not load itself. */
  readonly requested: SettingsView | null;
  readonly effective: SettingsView | null;
  /** Tokens: what a request gets, the most that would fit, and what the model was trained for. */
  readonly context_length: number | null;
  readonly max_context_length: number | null;
  readonly native_context_length: number | null;
  readonly supports_tools: boolean | null;
  readonly supports_reasoning: boolean | null;
  readonly device: string | null;
  readonly memory_bytes: number | null;
  readonly estimated_bytes: number | null;
  readonly active_requests: number;
  readonly last_used_at: string;
  readonly progress: ProgressView | null;
  readonly error: { readonly message: string; readonly hint: string | null } | null;
}

const READY = { phase: 'ready', bytes_loaded: 0, bytes_total: 0, fraction: 1 };

export function residentView(model: ResidentModel): ResidentView {
  const status = model.status();
  const ready = status.state === 'ready' ? status : undefined;
  const { state, settings } = model;
  const isRemote = settings === undefined;
  return {
    model: status.model,
    is_gguf: !isRemote,
    ...modelCardView(status),
    names: model.names,
    state: isRemote ? status.state : state.type,
    is_default: model.isDefault,
    requested: isRemote ? null : requestedView(settings),
    ...(ready === undefined || isRemote ? notLoaded(status) : loadedFacts(ready, settings)),
    max_context_length: model.maxContextSize ?? null,
    estimated_bytes: model.estimatedBytes === 0 ? null : model.estimatedBytes,
    active_requests: model.openUses.length,
    last_used_at: new Date(model.lastUsedAt).toISOString(),
    progress: state.type === 'loading' ? progressView(model) : null,
    error: status.state === 'failed' ? { message: status.message, hint: status.hint ?? null } : null,
  };
}

type LoadedFacts = Pick<
  ResidentView,
  | 'effective'
  | 'context_length'
  | 'native_context_length'
  | 'supports_tools'
  | 'supports_reasoning'
  | 'device'
  | 'memory_bytes'
>;

function loadedFacts(
  status: Extract<EngineStatus, { state: 'ready' }>,
  settings: ResidentSettings,
): LoadedFacts {
  return {
    effective: effectiveView(status, settings),
    context_length: status.contextSize,
    native_context_length: status.nativeContextSize,
    supports_tools: status.toolCalls,
    supports_reasoning: status.reasoning,
    device: status.device,
    memory_bytes: status.memoryBytes,
  };
}

function notLoaded(status: EngineStatus): LoadedFacts {
  return {
    effective: null,
    context_length: 'contextSize' in status ? (status.contextSize ?? null) : null,
    native_context_length: null,
    supports_tools: null,
    supports_reasoning: null,
    device: null,
    memory_bytes: null,
  };
}

export function progressView(model: ResidentModel | undefined): ProgressView {
  if (model?.state.type === 'loading') {
    const { phase, progress, bytes } = model.state;
    return {
      phase,
      bytes_loaded: bytes?.done ?? 0,
      bytes_total: bytes?.total ?? 0,
      fraction: Math.min(1, Number(progress.toFixed(4))),
    };
  }
  return model?.state.type === 'ready' ? READY : { ...READY, phase: null, fraction: 0 };
}

function requestedView(settings: ResidentSettings): SettingsView {
  return {
    max_seq_length: settings.contextSize === 'auto' ? 0 : settings.contextSize,
    cache_type_kv: settings.cacheType,
    n_parallel: settings.sequences,
    gpu_layers: settings.gpuLayers === 'max' ? -1 : settings.gpuLayers,
    n_threads: settings.threads,
    flash_attention: settings.flashAttention,
    n_batch: settings.batchSize,
    load_mode: settings.loadMode,
    chat_template_override: settings.chatTemplate !== undefined,
  };
}

function effectiveView(
  status: Extract<EngineStatus, { state: 'ready' }>,
  { chatTemplate, loadMode }: ResidentSettings,
): SettingsView {
  return {
    max_seq_length: status.contextSize,
    cache_type_kv: status.cacheType,
    n_parallel: status.sequences,
    gpu_layers: status.gpuLayers,
    n_threads: status.threads,
    flash_attention: status.flashAttention,
    n_batch: status.batchSize,
    load_mode: loadMode,
    chat_template_override: chatTemplate !== undefined,
  };
}
