import type {
  ChatHistoryItem,
  ChatModelResponse,
  LlamaChat,
  LlamaChatResponse,
  LlamaChatResponseChunk,
  LlamaGrammar,
  TokenBias,
} from 'node-llama-cpp';
import type { HostEvent, HostTool } from '../protocol.js';
import { toModelFunctions } from './argument-schema.js';
import type { ForcedCall } from './forced-call.js';
import type { samplingOptions } from './sampling-options.js';
import type { TokenReport } from './token-report.js';
import type { TurnRecorder } from './turn-recorder.js';

type StopReason = Extract<HostEvent, { type: 'stop' }>['reason'];

class ContextFull extends Error {}

interface StreamOptions extends ReturnType<typeof samplingOptions> {
  readonly tools: readonly HostTool[];
  readonly maxCalls: number | undefined;
  readonly grammar: LlamaGrammar | undefined;
  readonly forced: ForcedCall | undefined;
  readonly maxTokens: number;
  readonly tokenBias: TokenBias | undefined;
  readonly thinkingBudget: number | undefined;
  readonly signal: AbortSignal;
  readonly recorder: TurnRecorder;
  /** Undefined: nobody asked for the tokens' probabilities. */
  readonly report: TokenReport | undefined;
}

/** Makes the turn and tells the recorder of it. Rejects where the library does. */
export async function streamTurn(
  chat: LlamaChat,
  response: ChatModelResponse['response'],
  {
    recorder,
    report,
    tools,
    maxCalls,
    grammar,
    forced,
    tokenBias,
    thinkingBudget,
    ...sampling
  }: StreamOptions,
): Promise<StopReason> {
  const options = {
    ...sampling,
    stopOnAbortSignal: true,
    budgets: { thoughtTokens: thinkingBudget ?? Infinity, commentTokens: Infinity },
    ...(tokenBias === undefined ? {} : { tokenBias }),
    // Never drop a part of the conversation in silence: a full window ends the turn.
    contextShift: {
      strategy: () => {
        throw new ContextFull();
      },
    },
    onResponseChunk: (chunk: LlamaChatResponseChunk) =>
      forced === undefined
        ? recorder.chunk(chunk, report?.of(chunk.tokens))
        : forced.add(chunk.text, recorder),
  };
  const history: ChatHistoryItem[] = [{ type: 'model', response }];
  try {
    const result =
      tools.length === 0 || grammar !== undefined
        ? await chat.generateResponse(history, grammar === undefined ? options : { ...options, grammar })
        : await chat.generateResponse(history, {
            ...options,
            functions: toModelFunctions(tools),
            ...(maxCalls === undefined ? {} : { maxParallelFunctionCalls: maxCalls }),
            onFunctionCallParamsChunk: (chunk) => recorder.argumentsChunk(chunk),
            onFunctionCall: (call) => recorder.callDone(call.functionName, call.params),
          });
    if (forced?.finish(recorder)) return 'tool_calls';
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
