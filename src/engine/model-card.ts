/** What a model's file says of itself, as far as clients choose by it. */
export interface ModelCard {
  readonly title: string | null;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | null;
  /** What a request is sampled with that does not say otherwise. */
  readonly sampling: {
    readonly temperature: number;
    readonly top_p: number;
    readonly top_k: number;
    readonly min_p: number;
  };
  /** By which of the template's words thoughts are turned on and off; null: by none. */
  readonly reasoningStyle: ReasoningStyle | null;
  /** It thinks, and nothing turns that off. */
  readonly reasoningAlwaysOn: boolean;
  /** Its template can show the model the thoughts of earlier turns. */
  readonly preservesThinking: boolean;
}

export const REASONING_STYLES = ['enable_thinking', 'reasoning_effort'] as const;
export type ReasoningStyle = (typeof REASONING_STYLES)[number];
