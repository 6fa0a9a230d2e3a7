import {
  LlamaChat,
  type ChatHistoryItem,
  type ChatModelResponse,
  type LlamaChatResponse,
  type LlamaChatResponseChunk,
  type LlamaContextSequence,
  type GbnfJsonSchema,
  type LlamaGrammar,
} from 'node-llama-cpp';
import { newId } from '../../../ids.js';
import { messageOf } from '../../../errors.js';
import type { HostEvent, HostGenerateRequest, HostSampling, HostTool } from '../protocol.js';
import { answerSchema, toModelFunctions } from './argument-schema.js';
import { ExactPromptWrapper } from './exact-prompt-wrapper.js';
import type { LoadedModel } from './load-model.js';
import { prefill } from './prefill.js';
import { TurnRecorder } from './turn-recorder.js';
import { UsageMeter } from './usage-meter.js';

type Emit = (event: HostEvent) => void;
type StopReason = Extract<HostEvent, { type: 'stop' }>['reason'];

/** The template, the request or the window does not allow this turn; `code` is for the caller. */
class GenerationRefused extends Error {
  constructor(
    readonly code: 'context_overflow' | 'invalid_request',
    message: string,
  ) {
    super(message);
  }
}

class ContextFull extends Error {}

/** Makes one turn. Never rejects: the last event is `stop` or `error`. */
export async function runGeneration(
  loaded: LoadedModel,
  request: HostGenerateRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  try {
    const lease = await loaded.pool.acquire(request.sessionId, signal, (position) =>
      emit({ type: 'queued', position }),
    );
    try {
      await makeTurn({ loaded, request, emit, signal, sequence: lease.sequence });
    } finally {
      lease.release();
    }
  } catch (error) {
    if (signal.aborted) emit({ type: 'stop', reason: 'cancelled' });
    else if (error instanceof GenerationRefused)
      emit({ type: 'error', code: error.code, message: error.message });
    else emit({ type: 'error', code: 'provider', message: messageOf(error) });
  }
}

interface Turn {
  readonly loaded: LoadedModel;
  readonly request: HostGenerateRequest;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly sequence: LlamaContextSequence;
}

async function makeTurn({ loaded, request, emit, signal, sequence }: Turn): Promise<void> {
  const meter = new UsageMeter();
  const wrapper = new ExactPromptWrapper(loaded.wrapper, renderPrompt(loaded, request));
  const response = prefixAsResponse(request);
  const tokens = wrapper
    .generateContextState({ chatHistory: [{ type: 'model', response }] })
    .contextText.tokenize(loaded.model.tokenizer, 'trimLeadingSpace');
  const room = sequence.contextSize - 1 - tokens.length;
  const allowed = (request.sampling.maxTokens ?? Number.POSITIVE_INFINITY) - continuedTokens(loaded, request);
  if (request.continueFrom !== undefined && Math.min(room, allowed) < 1) {
    // The turn that this one goes on with had come to its limit when it was interrupted.
    emit({ type: 'stop', reason: 'length' });
    return;
  }
  if (room < 1) {
    throw new GenerationRefused(
      'context_overflow',
      `The prompt takes ${tokens.length} tokens; the context holds ${sequence.contextSize}.`,
    );
  }
  const generatedBefore = sequence.tokenMeter.usedOutputTokens;
  meter.promptDone(tokens.length, 0);
  const recorder = new TurnRecorder(emit, () => newId('call'), {
    text: (request.continueFrom?.text ?? '') !== '',
  });
  const chat = new LlamaChat({ contextSequence: sequence, chatWrapper: wrapper });
  try {
    const cached = await prefill(sequence, tokens, loaded.context.batchSize, signal);
    meter.promptDone(tokens.length, cached);
    const reason = await stream(chat, response, {
      ...samplingOptions(request.sampling, loaded.defaultSampling),
      tools: request.tools,
      maxCalls: request.parallelToolCalls === false ? 1 : undefined,
      grammar: await answerGrammar(loaded, request),
      maxTokens: Math.min(room, allowed),
      signal,
      recorder,
    });
    recorder.end();
    emit({ type: 'usage', usage: meter.finish(sequence.tokenMeter.usedOutputTokens - generatedBefore) });
    emit({ type: 'stop', reason });
  } catch (error) {
    if (!signal.aborted) throw error;
    recorder.end();
    emit({ type: 'usage', usage: meter.finish(sequence.tokenMeter.usedOutputTokens - generatedBefore) });
    emit({ type: 'stop', reason: 'cancelled' });
  } finally {
    chat.dispose();
  }
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

async function answerGrammar(
  { model }: LoadedModel,
  { responseFormat }: HostGenerateRequest,
): Promise<LlamaGrammar | undefined> {
  if (responseFormat === undefined) return undefined;
  const { schema } = responseFormat;
  if (schema === undefined) return model.llama.getGrammarFor('json');
  return model.llama.createGrammarForJsonSchema<GbnfJsonSchema>(answerSchema(schema));
}

/** What the interrupted attempt had made counts towards the turn's limit. */
function continuedTokens(loaded: LoadedModel, { continueFrom }: HostGenerateRequest): number {
  if (continueFrom === undefined) return 0;
  const { reasoning, text } = continueFrom;
  return loaded.model.tokenize(reasoning).length + loaded.model.tokenize(text).length;
}

/** A thought that text follows is over; one that nothing follows is still being had. */
function prefixAsResponse(request: HostGenerateRequest): ChatModelResponse['response'] {
  const { reasoning, text } = request.continueFrom ?? { reasoning: '', text: '' };
  return [
    ...(reasoning === ''
      ? []
      : [{ type: 'segment' as const, segmentType: 'thought' as const, text: reasoning, ended: text !== '' }]),
    ...(text === '' ? [] : [text]),
  ];
}

interface StreamOptions extends ReturnType<typeof samplingOptions> {
  readonly tools: readonly HostTool[];
  readonly maxCalls: number | undefined;
  readonly grammar: LlamaGrammar | undefined;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  readonly recorder: TurnRecorder;
}

async function stream(
  chat: LlamaChat,
  response: ChatModelResponse['response'],
  { recorder, tools, maxCalls, grammar, ...sampling }: StreamOptions,
): Promise<StopReason> {
  const options = {
    ...sampling,
    stopOnAbortSignal: true,
    budgets: { thoughtTokens: Infinity, commentTokens: Infinity },
    // Never drop a part of the conversation in silence: a full window ends the turn.
    contextShift: {
      strategy: () => {
        throw new ContextFull();
      },
    },
    onResponseChunk: (chunk: LlamaChatResponseChunk) => recorder.chunk(chunk),
  };
  const history: ChatHistoryItem[] = [{ type: 'model', response }];
  try {
    const result =
      tools.length === 0
        ? await chat.generateResponse(history, grammar === undefined ? options : { ...options, grammar })
        : await chat.generateResponse(history, {
            ...options,
            functions: toModelFunctions(tools),
            ...(maxCalls === undefined ? {} : { maxParallelFunctionCalls: maxCalls }),
            onFunctionCallParamsChunk: (chunk) => recorder.argumentsChunk(chunk),
            onFunctionCall: (call) => recorder.callDone(call.functionName, call.params),
          });
    return stopReason(result.metadata.stopReason);
  } catch (error) {
    if (error instanceof ContextFull && recorder.anythingReceived) return 'length';
    throw error;
  }
}

function stopReason(reason: LlamaChatResponse['metadata']['stopReason']): StopReason {
  switch (reason) {
    case 'eogToken':
    case 'stopGenerationTrigger':
    case 'customStopTrigger':
      return 'stop';
    case 'functionCalls':
      return 'tool_calls';
    case 'maxTokens':
      return 'length';
    case 'abort':
      return 'cancelled';
    default:
      return reason satisfies never;
  }
}

function samplingOptions(asked: HostSampling, defaults: HostSampling) {
  const sampling = { ...defaults, ...asked };
  const penalised =
    sampling.repetitionPenalty !== undefined ||
    sampling.presencePenalty !== undefined ||
    sampling.frequencyPenalty !== undefined;
  return {
    temperature: sampling.temperature ?? 0,
    ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
    ...(sampling.topK === undefined ? {} : { topK: sampling.topK }),
    ...(sampling.minP === undefined ? {} : { minP: sampling.minP }),
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.stop === undefined ? {} : { customStopTriggers: sampling.stop }),
    repeatPenalty: penalised
      ? {
          penalty: sampling.repetitionPenalty ?? 1,
          presencePenalty: sampling.presencePenalty ?? 0,
          frequencyPenalty: sampling.frequencyPenalty ?? 0,
        }
      : (false as const),
  };
}
