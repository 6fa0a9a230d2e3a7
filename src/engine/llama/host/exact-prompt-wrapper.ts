import {
  ChatWrapper,
  LlamaText,
  type ChatHistoryItem,
  type ChatWrapperGenerateContextStateOptions,
  type ChatWrapperGeneratedContextState,
  type ChatWrapperSettings,
} from 'node-llama-cpp';

/**
 * Hands the library a finished prompt while the wrapper that it chose for the model still says
 * how calls and thoughts look. The library's history then holds nothing but the turn that is
 * being made; the conversation lives in the prompt.
 */
export class ExactPromptWrapper extends ChatWrapper {
  override readonly wrapperName = 'ExactPrompt';
  override readonly settings: ChatWrapperSettings;

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
    state.contextText = LlamaText([this.prompt, this.chosen.generateModelResponseText(turn.response)]);
    return state;
  }
}

function lastModelItem(history: readonly ChatHistoryItem[]): Extract<ChatHistoryItem, { type: 'model' }> {
  const last = history.at(-1);
  return last?.type === 'model' ? last : { type: 'model', response: [] };
}
