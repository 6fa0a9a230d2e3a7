import {
  type ChatModelResponse,
  ChatMLChatWrapper,
  ChatWrapper,
  type ChatWrapperGenerateContextStateOptions,
  type ChatWrapperGeneratedPrefixTriggersContextState,
  type ChatWrapperSettings,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  SpecialTokensText,
} from 'node-llama-cpp';
import { type CallSyntax, familySyntax, HERMES } from './call-syntax.js';
import { TookTooLong, withinTime } from './within-time.js';

const LONGEST_CHOICE_MS = 20_000;

/** How calls and thoughts of the model's family are told from its text. */
export function chooseWrapper(model: LlamaModel): ChatWrapper {
  const syntax = familySyntax(model.fileInfo.metadata.tokenizer?.chat_template ?? '');
  if (syntax !== undefined) {
    const { calls, thoughts, toAll } = syntax;
    const settings = {
      ...ChatWrapper.defaultSettings,
      // Of those that write no JSON the form is only taken where a call is forced.
      functions: functionSettings(calls === 'as text' ? HERMES : calls),
      ...(thoughts === undefined ? {} : { segments: { thought: thoughtSettings(thoughts) } }),
    };
    return toAll === undefined ? new FamilyWrapper(settings) : new AddressedWrapper(settings, toAll);
  }
  const found = wrapperOfLibrary(model);
  const isFound = found.settings.functions.call.prefix !== ChatWrapper.defaultSettings.functions.call.prefix;
  return isFound ? found : new FamilyWrapper({ ...found.settings, functions: functionSettings(HERMES) });
}

/** It tries the template with conversations of its own, some of which may never end. */
function wrapperOfLibrary(model: LlamaModel): ChatWrapper {
  try {
    return withinTime(LONGEST_CHOICE_MS, () => resolveChatWrapper(model));
  } catch (error) {
    if (error instanceof TookTooLong) return new ChatMLChatWrapper();
    throw error;
  }
}

/** The library's own way of putting a turn together is enough: the prompt is ours. */
class FamilyWrapper extends ChatWrapper {
  override readonly wrapperName = 'Family';

  constructor(override readonly settings: ChatWrapperSettings) {
    super();
  }
}

/** For turns that begin with the name of a function, or with what says that they are for all. */
class AddressedWrapper extends FamilyWrapper {
  constructor(
    settings: ChatWrapperSettings,
    private readonly toAll: string,
  ) {
    super(settings);
  }

  override generateContextState(
    options: ChatWrapperGenerateContextStateOptions,
  ): ChatWrapperGeneratedPrefixTriggersContextState {
    const { contextText, stopGenerationTriggers } = super.generateContextState(options);
    return {
      contextText,
      stopGenerationTriggers,
      prefixTriggers: [
        { type: 'response', triggers: [LlamaText(this.toAll)] },
        ...Object.keys(options.availableFunctions ?? {}).map((name) => ({
          type: 'functionCall' as const,
          triggers: [LlamaText(`${name}\n`)],
          replaceTrigger: true,
        })),
      ],
      detectFunctionCalls: false,
    };
  }

  override generateModelResponseText(response: ChatModelResponse['response']): LlamaText {
    const text = super.generateModelResponseText(response);
    return typeof response[0] === 'string' ? LlamaText([this.toAll, text]) : text;
  }
}

function functionSettings(syntax: CallSyntax): ChatWrapperSettings['functions'] {
  return {
    call: {
      optionalPrefixSpace: true,
      prefix: markup(syntax.prefix),
      paramsPrefix: markup(syntax.paramsPrefix),
      suffix: markup(syntax.suffix),
      emptyCallParamsPlaceholder: {},
    },
    // Results reach the model in the next prompt, by its template.
    result: { prefix: '', suffix: '' },
    parallelism: {
      call: {
        sectionPrefix: markup(syntax.sectionPrefix),
        betweenCalls: markup(syntax.betweenCalls),
        sectionSuffix: markup(syntax.sectionSuffix),
      },
    },
  };
}

function thoughtSettings({ prefix, suffix }: { readonly prefix: string; readonly suffix: string }) {
  return { prefix: markup(prefix), suffix: markup(suffix) };
}

function markup(text: string): LlamaText {
  return LlamaText(new SpecialTokensText(text));
}
