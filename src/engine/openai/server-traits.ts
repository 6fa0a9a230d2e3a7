export type ServerKind = 'vllm' | 'llama-server' | 'ollama' | 'lm-studio' | 'openai' | 'gantry' | 'generic';

type Fields = Readonly<Record<string, unknown>>;

/** How servers of one kind differ from the others: data, read by the mapping of requests and by the discovery. */
export interface ServerTraits {
  /** Names of what OpenAI's API does not have. One that is missing here is left out: the server refuses or ignores it. */
  readonly sampling: {
    readonly topK?: string;
    readonly minP?: string;
    readonly repetitionPenalty?: string;
  };
  /** What the server is sent for `topK: 0`, which means all tokens here. */
  readonly noTopK: number;
  /** Whether it heeds `logit_bias`. */
  readonly logitBias: boolean;
  /** The field that bounds the tokens of thought; undefined: there is none. */
  readonly thinkingBudget: string | undefined;
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
  /** The field that takes back the reasoning of earlier turns; undefined: it is not sent. */
  readonly reasoningBack: 'reasoning' | 'reasoning_content' | undefined;
  /** Fields that turn thinking on and off; empty: the server has no such switch. */
  readonly thinking: { readonly on: Fields; readonly off: Fields };
  /**
   * `prefill`: an assistant message at the end is continued, with these fields. `ask`: the server would
   * begin a new answer, so a message after it asks to go on.
   */
  readonly continuation: { readonly type: 'prefill'; readonly fields: Fields } | { readonly type: 'ask' };
  /** A model that `/v1/models` does not list is refused. Otherwise such servers would answer with another one. */
  readonly listsEveryModel: boolean;
  /** How JSON without a schema is asked for. */
  readonly anyJson: Fields;
  /** Who counts the tokens of a prompt. */
  readonly tokenizer: 'vllm' | 'llama-server' | 'estimate';
  /** Context in tokens when neither the server nor the configuration tells. */
  readonly assumedContext: number;
}

const PLAIN: ServerTraits = {
  sampling: {},
  noTopK: 0,
  logitBias: true,
  thinkingBudget: undefined,
  maxTokens: 'max_tokens',
  reasoningBack: undefined,
  thinking: { on: {}, off: {} },
  continuation: { type: 'ask' },
  listsEveryModel: false,
  anyJson: { type: 'json_object' },
  tokenizer: 'estimate',
  assumedContext: 8192,
};

const TEMPLATE_THINKING: ServerTraits['thinking'] = {
  on: { chat_template_kwargs: { enable_thinking: true } },
  off: { chat_template_kwargs: { enable_thinking: false } },
};

export const SERVER_TRAITS: Readonly<Record<ServerKind, ServerTraits>> = {
  generic: PLAIN,
  vllm: {
    ...PLAIN,
    sampling: { topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' },
    noTopK: -1,
    reasoningBack: 'reasoning',
    thinking: TEMPLATE_THINKING,
    thinkingBudget: 'thinking_token_budget',
    continuation: {
      type: 'prefill',
      fields: { add_generation_prompt: false, continue_final_message: true },
    },
    listsEveryModel: true,
    tokenizer: 'vllm',
  },
  'llama-server': {
    ...PLAIN,
    sampling: { topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repeat_penalty' },
    reasoningBack: 'reasoning_content',
    thinking: TEMPLATE_THINKING,
    thinkingBudget: 'thinking_budget_tokens',
    continuation: { type: 'prefill', fields: {} },
    listsEveryModel: true,
    tokenizer: 'llama-server',
  },
  ollama: {
    ...PLAIN,
    logitBias: false,
    reasoningBack: 'reasoning',
    thinking: { on: {}, off: { reasoning_effort: 'none' } },
    continuation: { type: 'prefill', fields: {} },
    listsEveryModel: true,
    // Its own default. Beyond it the oldest messages are cut off without a word.
    assumedContext: 4096,
  },
  'lm-studio': {
    ...PLAIN,
    sampling: { topK: 'top_k', repetitionPenalty: 'repeat_penalty' },
    listsEveryModel: true,
    // It refuses `json_object`.
    anyJson: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
    assumedContext: 4096,
  },
  openai: { ...PLAIN, maxTokens: 'max_completion_tokens', listsEveryModel: true, assumedContext: 128_000 },
  gantry: {
    ...PLAIN,
    sampling: { topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' },
    reasoningBack: 'reasoning_content',
    thinking: { on: { enable_thinking: true }, off: { enable_thinking: false } },
    thinkingBudget: 'thinking_budget',
    listsEveryModel: true,
  },
};

/** Either name, on whatever server: they change it between versions. */
export const REASONING_FIELDS = ['reasoning_content', 'reasoning'] as const;

/** Who owns the models in `/v1/models` tells the kind. Proxies answer `openai` too, so that one goes by its host. */
export const KIND_BY_OWNER: Readonly<Record<string, ServerKind>> = {
  vllm: 'vllm',
  llamacpp: 'llama-server',
  library: 'ollama',
  organization_owner: 'lm-studio',
  gantry: 'gantry',
};

export const OPENAI_HOST = 'api.openai.com';

/** Asked in this order when no owner tells. The field must be there: LM Studio answers any path with 200. */
export const PROBES: readonly {
  readonly kind: ServerKind;
  readonly path: string;
  readonly field: string;
}[] = [
  { kind: 'llama-server', path: '/props', field: 'default_generation_settings' },
  { kind: 'ollama', path: '/api/version', field: 'version' },
  { kind: 'lm-studio', path: '/api/v0/models', field: 'data' },
  { kind: 'vllm', path: '/version', field: 'version' },
];
