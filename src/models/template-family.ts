export interface TemplateFacts {
  /** Whose way of writing turns and calls it is. */
  readonly family: string;
  /** Whether tools that are offered reach the prompt. */
  readonly tools: boolean;
  readonly thoughts: boolean;
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
    thoughts: /enable_thinking|reasoning_effort|reasoning_content|<think>|<\|channel\|>/.test(template),
  };
}
