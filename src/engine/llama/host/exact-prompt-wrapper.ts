import {
  ChatWrapper,
  LlamaText,
  SpecialTokensText,
  type ChatHistoryItem,
  type ChatWrapperGenerateContextStateOptions,
  type ChatWrapperGeneratedContextState,
  type ChatWrapperSettings,
  type Token,
} from 'node-llama-cpp';

type Segment = Extract<ModelItem['response'][number], { type: 'segment' }>;
type ModelItem = Extract<ChatHistoryItem, { type: 'model' }>;

/**
 * Hands the library a finished prompt while the wrapper that it chose for the model still says
 * how calls and thoughts look. The library's history then holds nothing but the turn that is
 * being made; the conversation lives in the prompt.
 */
export class ExactPromptWrapper extends ChatWrapper {
  override readonly wrapperName = 'ExactPrompt';
  override readonly settings: ChatWrapperSettings;

  private readonly thoughtPrefix: LlamaText;
  private readonly beginsInThought: boolean;
  private lastText: { readonly key: string; readonly text: LlamaText } | undefined;

  constructor(
    private readonly chosen: ChatWrapper,
    private readonly prompt: LlamaText,
  ) {
    super();
    const thought = chosen.settings.segments?.thought;
    this.thoughtPrefix = thoughtPrefixOf(chosen);
    this.beginsInThought = opensThought(chosen, prompt);
    this.settings = {
      ...chosen.settings,
      segments: {
        ...chosen.settings.segments,
        ...(thought === undefined
          ? {}
          : {
              thought: { ...thought, prefix: this.thoughtPrefix, openOnResponseStart: this.beginsInThought },
            }),
      },
    };
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
  private textWith({ response }: ModelItem): LlamaText {
    const key = JSON.stringify(response);
    if (this.lastText?.key !== key) {
      const text = LlamaText([this.prompt, this.responseText(response)]);
      this.lastText = { key, text: tokenizedOnce(text) };
    }
    return this.lastText.text;
  }

  private responseText(response: ModelItem['response']): LlamaText {
    const [first] = response;
    if (!this.beginsInThought || first === undefined) return this.joined(response);
    const suffix = this.settings.segments?.thought?.suffix ?? '';
    if (!isThought(first)) return LlamaText([suffix, this.joined(response)]);
    return LlamaText([first.text, first.ended ? suffix : '', this.joined(response.slice(1))]);
  }

  /** After a thought gpt-oss begins a message of its own; its wrapper would do so only in a whole conversation. */
  private joined(response: ModelItem['response']): LlamaText {
    if (this.chosen.wrapperName !== 'Harmony') return this.chosen.generateModelResponseText(response);
    return LlamaText(
      response.map((item) => [
        super.generateModelResponseText([item]),
        typeof item !== 'string' && item.type === 'segment' && item.ended ? HARMONY_MESSAGE : '',
      ]),
    );
  }
}

/** For a turn that is held to a grammar: none lets the end of a thought be made, so the thought that the prompt opens is empty. */
export function withoutThought(chosen: ChatWrapper, prompt: LlamaText): LlamaText {
  return opensThought(chosen, prompt)
    ? LlamaText([prompt, chosen.settings.segments?.thought?.suffix ?? ''])
    : prompt;
}

function opensThought(chosen: ChatWrapper, prompt: LlamaText): boolean {
  const mark = thoughtPrefixOf(chosen).toString().trim();
  return mark !== '' && prompt.toString().trimEnd().endsWith(mark);
}

const HARMONY_MESSAGE = new SpecialTokensText('<|start|>assistant');

/** The library has none for a model whose thoughts begin with its turn; then it is what all such models have. */
function thoughtPrefixOf({ settings: { segments } }: ChatWrapper): LlamaText {
  const prefix = segments?.thought?.prefix;
  if (prefix === undefined) return LlamaText([]);
  if (typeof prefix === 'string' || LlamaText.isLlamaText(prefix)) return LlamaText(prefix);
  return LlamaText(new SpecialTokensText('<think>'));
}

function isThought(item: ModelItem['response'][number]): item is Segment {
  return typeof item !== 'string' && item.type === 'segment' && item.segmentType === 'thought';
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
