import { REASONING_STYLES, type ReasoningStyle } from '../engine/model-card.js';

export interface TemplateFacts {
  /** Whose way of writing turns and calls it is. */
  readonly family: string;
  /** Whether tools that are offered reach the prompt. */
  readonly tools: boolean;
  readonly thoughts: boolean;
  /** By which word thoughts are turned on and off; null: by none. */
  readonly reasoningStyle: ReasoningStyle | null;
  /** Whether it can be told to show the thoughts of earlier turns. */
  readonly preservesThinking: boolean;
}

/** In this order: some families took over the marks of others. */
const FAMILIES: readonly (readonly [family: string, marks: readonly string[]])[] = [
  ['harmony', ['<|channel|>', '<|start|>']],
  ['functionary', ['<|recipient|>']],
  ['functionary', ['>>>', '<|start_header_id|>']],
  ['deepseek', ['<｜User｜>']],
  ['glm', ['[gMASK]']],
  ['glm', ['<|observation|>']],
  ['llama3', ['<|start_header_id|>']],
  ['gemma', ['<start_of_turn>']],
  ['mistral', ['[INST]']],
  ['phi', ['<|end|>', '<|assistant|>']],
  ['command-r', ['<|START_OF_TURN_TOKEN|>']],
  ['qwen', ['<|im_start|>', '<tool_call>']],
  ['chatml', ['<|im_start|>']],
];

/** What a chat template tells of itself by its marks. A guess for people to read; the engine looks closer. */
export function templateFacts(template: string): TemplateFacts {
  const found = FAMILIES.find(([, marks]) => marks.every((mark) => template.includes(mark)));
  return {
    family: found?.[0] ?? 'generic',
    tools: /\btools\b/.test(template),
    reasoningStyle: REASONING_STYLES.find((word) => template.includes(word)) ?? null,
    preservesThinking: template.includes('preserve_thinking'),
    thoughts: /enable_thinking|reasoning_effort|reasoning_content|<think>|<\|channel\|>/.test(template),
  };
}
