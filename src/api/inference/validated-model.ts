import type { Fit } from '../../engine/resident/bring-model.js';
import type { ReasoningStyle } from '../../engine/model-card.js';
import type { InspectedModel } from '../../models/inspect-model.js';

/** What a model is by its header, and whether it could be loaded as asked. Sizes in bytes, contexts in tokens. */
export interface ValidatedModel {
  readonly valid: true;
  readonly message: string;
  readonly identifier: string;
  readonly display_name: string;
  readonly is_gguf: true;
  readonly is_lora: false;
  readonly is_vision: false;
  readonly requires_trust_remote_code: false;
  readonly architecture: string | null;
  readonly quantization: string | null;
  readonly parameters: number;
  readonly file_bytes: number;
  readonly layer_count: number | null;
  readonly native_context_length: number | null;
  readonly context_length: number | null;
  readonly max_context_length: number | null;
  readonly supports_tools: boolean;
  readonly supports_reasoning: boolean;
  readonly reasoning_style: ReasoningStyle | null;
  readonly supports_preserve_thinking: boolean;
  readonly template_family: string | null;
  readonly estimated_bytes: number;
  /** Whether there is room, also by unloading idle models. */
  readonly fits: boolean;
  /** Models that would be unloaded for it. */
  readonly would_unload: readonly string[];
}

export function validatedModel(identifier: string, { facts }: InspectedModel, fit: Fit): ValidatedModel {
  const fits = fit.plan.type === 'fits';
  return {
    valid: true,
    message: fits ? 'The model can be loaded.' : 'The model is sound, but there is no room for it.',
    identifier,
    display_name: facts.title ?? identifier,
    is_gguf: true,
    is_lora: false,
    is_vision: false,
    requires_trust_remote_code: false,
    architecture: facts.architecture ?? null,
    quantization: facts.quantization ?? null,
    parameters: facts.parameters,
    file_bytes: facts.bytes,
    layer_count: facts.layers ?? null,
    native_context_length: facts.contextLength ?? null,
    context_length: fit.contextSize === 'auto' ? null : fit.contextSize,
    max_context_length: fit.maxContextSize ?? null,
    supports_tools: facts.template?.tools ?? false,
    supports_reasoning: facts.template?.thoughts ?? false,
    reasoning_style: facts.template?.reasoningStyle ?? null,
    supports_preserve_thinking: facts.template?.preservesThinking ?? false,
    template_family: facts.template?.family ?? null,
    estimated_bytes: fit.bytes,
    fits,
    would_unload: fit.plan.type === 'fits' ? fit.plan.unload : [],
  };
}
