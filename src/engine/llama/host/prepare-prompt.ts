import { type ChatModelResponse, LlamaText, type Token, type TokenBias } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import type { HostGenerateRequest } from '../protocol.js';
import { ExactPromptWrapper, withoutThought } from './exact-prompt-wrapper.js';
import { ForcedCall } from './forced-call.js';
import { GenerationRefused } from './generation-refused.js';
import type { LoadedModel } from './load-model.js';
import { onlyReads } from './pooling.js';
import { tokenBias } from './token-bias.js';

/** A turn as it is put to the model. */
export interface PreparedPrompt {
  readonly wrapper: ExactPromptWrapper;
  readonly forced: ForcedCall | undefined;
  /** What an interrupted attempt had made of the turn. */
  readonly response: ChatModelResponse['response'];
  /** All of it, that response included. */
  readonly tokens: readonly Token[];
  /** Tokens that may be made; below 1 where the attempt before had come to the end. */
  readonly maxTokens: number;
  readonly bias: TokenBias | undefined;
}

/** Throws GenerationRefused. */
export function preparePrompt(loaded: LoadedModel, request: HostGenerateRequest): PreparedPrompt {
  if (onlyReads(loaded.model)) {
    throw new GenerationRefused(
      'invalid_request',
      'This model only reads: it is for embeddings or rankings. Load a chat model beside it, and name that one.',
    );
  }
  const { contextSize } = loaded.context;
  const forced = forcedCall(request);
  const beginning = forced?.beginning(loaded.wrapper) ?? [];
  const rendered = renderPrompt(loaded, request);
  const isHeld = forced !== undefined || request.responseFormat !== undefined;
  const text = LlamaText([isHeld ? withoutThought(loaded.wrapper, rendered) : rendered, beginning]);
  const wrapper = new ExactPromptWrapper(loaded.wrapper, text);
  const response = prefixAsResponse(request);
  const tokens = wrapper
    .generateContextState({ chatHistory: [{ type: 'model', response }] })
    .contextText.tokenize(loaded.model.tokenizer, 'trimLeadingSpace');
  const room = contextSize - 1 - tokens.length;
  if (room < 1 && request.continueFrom === undefined) {
    throw new GenerationRefused(
      'context_overflow',
      `The prompt takes ${tokens.length} tokens; the context holds ${contextSize}.`,
    );
  }
  const allowed = (request.sampling.maxTokens ?? Number.POSITIVE_INFINITY) - continuedTokens(loaded, request);
  const bias = tokenBias(loaded, request.sampling.logitBias);
  return { wrapper, forced, response, tokens, maxTokens: Math.min(room, allowed), bias };
}

function forcedCall({ forcedTools, tools }: HostGenerateRequest): ForcedCall | undefined {
  if (forcedTools === undefined) return undefined;
  const wanted = tools.filter(({ name }) => forcedTools.includes(name));
  if (wanted.length > 0) return new ForcedCall(wanted);
  throw new GenerationRefused('invalid_request', `No tool is named ${forcedTools.join(' or ')}.`);
}

function renderPrompt(loaded: LoadedModel, request: HostGenerateRequest) {
  try {
    return loaded.template.render(request);
  } catch (error) {
    throw new GenerationRefused(
      'invalid_request',
      `The model's template refused the messages: ${messageOf(error)}`,
    );
  }
}

/** What the interrupted attempt had made counts towards the turn's limit. */
function continuedTokens(loaded: LoadedModel, { continueFrom }: HostGenerateRequest): number {
  if (continueFrom === undefined) return 0;
  const { reasoning, text } = continueFrom;
  return loaded.model.tokenize(reasoning).length + loaded.model.tokenize(text).length;
}

/**
 * A thought that text follows is over; one that nothing follows is still being had. With a budget it ends there: of a
 * thought that it did not begin itself the library counts nothing.
 */
function prefixAsResponse(request: HostGenerateRequest): ChatModelResponse['response'] {
  const { reasoning, text } = request.continueFrom ?? { reasoning: '', text: '' };
  const ended = text !== '' || request.thinkingBudget !== undefined;
  return [
    ...(reasoning === ''
      ? []
      : [{ type: 'segment' as const, segmentType: 'thought' as const, text: reasoning, ended }]),
    ...(text === '' ? [] : [text]),
  ];
}
