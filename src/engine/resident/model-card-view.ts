import type { EngineStatus } from '../engine.js';
import type { ModelCard, ReasoningStyle } from '../model-card.js';

/** What a model is, in the names that clients of Unsloth Studio know. Null: not known before it is loaded. */
export interface ModelCardView {
  readonly display_name: string;
  readonly gguf_variant: string | null;
  /** An adapter goes with a request, and is no model of its own. */
  readonly is_lora: false;
  /** The models that this server loads itself take text alone. */
  readonly is_vision: false;
  readonly is_audio: false;
  readonly audio_type: null;
  readonly has_audio_input: false;
  /** A GGUF holds no code. */
  readonly requires_trust_remote_code: false;
  readonly cache_type_kv: string | null;
  /** A request asks for predictions itself. */
  readonly speculative_type: null;
  readonly inference: ModelCard['sampling'] | null;
  readonly reasoning_style: ReasoningStyle | null;
  readonly reasoning_always_on: boolean | null;
  readonly supports_preserve_thinking: boolean | null;
}

const ALWAYS = {
  is_lora: false,
  is_vision: false,
  is_audio: false,
  audio_type: null,
  has_audio_input: false,
  requires_trust_remote_code: false,
  speculative_type: null,
} as const;

export function modelCardView(status: EngineStatus): ModelCardView {
  if (status.state !== 'ready') {
    return {
      ...ALWAYS,
      display_name: status.model,
      gguf_variant: null,
      cache_type_kv: null,
      inference: null,
      reasoning_style: null,
      reasoning_always_on: null,
      supports_preserve_thinking: null,
    };
  }
  const { card } = status;
  return {
    ...ALWAYS,
    display_name: card.title ?? status.model,
    gguf_variant: card.quantization,
    cache_type_kv: status.cacheType,
    inference: card.sampling,
    reasoning_style: card.reasoningStyle,
    reasoning_always_on: card.reasoningAlwaysOn,
    supports_preserve_thinking: card.preservesThinking,
  };
}
