import {
  ChatWrapper,
  LlamaText,
  type ChatHistoryItem,
  type ChatWrapperGenerateContextStateOptions,
  type ChatWrapperGeneratedContextState,
  type ChatWrapperSettings,
  type Token,
} from 'node-llama-cpp';

type ModelItem = Extract<ChatHistoryItem, { type: 'model' }>;

/**
 * Hands the library a finished prompt while the wrapper that it chose for the model still says
 * how calls and thoughts look. The library's history then holds nothing but the turn that is
 * being made; the conversation lives in the prompt.
 */
export class ExactPromptWrapper extends ChatWrapper {
  override readonly wrapperName = 'ExactPrompt';
  override readonly settings: ChatWrapperSettings;

  private lastText: { readonly key: string; readonly text: LlamaText } | undefined;

  constructor(
    private readonly chosen: ChatWrapper,
    private readonly prompt: LlamaText,
  ) {
    super();
    this.settings = chosen.settings;
  }

  override generateContextState(
    options: ChatWrapperGenerateContextStateOptions,
  ): ChatWrapperGeneratedContextState {
    const turn = lastModelItem(options.chatHistory);
    const state = this.chosen.generateContextState({
      ...options,
      chatHistory: [{ type: 'user', text: '-' }, turn],
    });
    // Spaces at the start are ours to judge: those of a continuation belong to the text.
    state.ignoreStartText = [];
    state.contextText = this.textWith(turn);
    return state;
  }

  /** The library asks, and tokenizes, several times a turn; a long prompt makes that felt. */
  private textWith(turn: ModelItem): LlamaText {
    const key = JSON.stringify(turn.response);
    if (this.lastText?.key !== key) {
      const text = LlamaText([this.prompt, this.chosen.generateModelResponseText(turn.response)]);
      this.lastText = { key, text: tokenizedOnce(text) };
    }
    return this.lastText.text;
  }
}

/** One model's tokenizer is all that ever reads it. */
function tokenizedOnce(text: LlamaText): LlamaText {
  const tokenize = text.tokenize.bind(text);
  let tokens: Token[] | undefined;
  text.tokenize = (tokenizer, options) => {
    tokens ??= tokenize(tokenizer, options);
    return [...tokens];
  };
  return text;
}

function lastModelItem(history: readonly ChatHistoryItem[]): ModelItem {
  const last = history.at(-1);
  return last?.type === 'model' ? last : { type: 'model', response: [] };
}
