import type {
  AssistantPrefix,
  ChatMessage,
  GenerateRequest,
  ResponseFormat,
  SamplingOptions,
  ToolCallRequest,
  ToolSpec,
} from '../engine.js';
import { EngineError } from '../engine-error.js';
import { AUDIO_FORMATS, type Media } from '../media.js';
import { estimateTokens } from './estimate-tokens.js';
import type { ServerTraits } from './server-traits.js';

type Fields = Readonly<Record<string, unknown>>;

export const GO_ON =
  'Your last message was cut off. Go on from exactly where it ends: repeat nothing of it and say nothing about the interruption.';

/** The body of `POST /chat/completions`. */
export function chatBody(request: GenerateRequest, model: string, traits: ServerTraits): Fields {
  const { continueFrom, enableThinking, forcedTools, parallelToolCalls, responseFormat, sampling } = request;
  const { tools, topLogprobs } = request;
  refuseUnsupported(request, traits);
  // Thinking cannot be continued anywhere, so without a text there is nothing to continue.
  const prefix = continueFrom?.text ? continueFrom : undefined;
  const prefill =
    prefix !== undefined && traits.continuation.type === 'prefill' ? traits.continuation : undefined;
  // What is in the middle of its text has thought already; llama-server refuses to go on otherwise.
  const thinks = prefix === undefined ? enableThinking : false;
  return {
    model,
    messages: [
      ...chatMessages(request.messages, traits),
      ...(prefix === undefined ? [] : continuation(prefix, traits)),
    ],
    stream: true,
    stream_options: { include_usage: true },
    ...(tools.length === 0 ? {} : { tools: chatTools(tools) }),
    ...(forcedTools === undefined ? {} : { tool_choice: toolChoice(forcedTools) }),
    ...(tools.length > 0 && parallelToolCalls === false ? { parallel_tool_calls: false } : {}),
    ...(topLogprobs === undefined ? {} : { logprobs: true, top_logprobs: topLogprobs }),
    ...(responseFormat === undefined ? {} : { response_format: jsonFormat(responseFormat, traits) }),
    ...chatSampling(sampling, prefix, traits),
    ...budgetOf(request, traits),
    ...(thinks === undefined ? {} : traits.thinking[thinks ? 'on' : 'off']),
    ...prefill?.fields,
  };
}

/** Throws EngineError for what the server would leave out without a word. */
function refuseUnsupported(
  { sampling, thinkingBudget, prediction, raw, adapter }: GenerateRequest,
  traits: ServerTraits,
): void {
  const missing = [
    ...(sampling.logitBias !== undefined && !traits.logitBias ? ['logit_bias'] : []),
    ...(adapter === undefined ? [] : ['use_adapter']),
    ...(raw === undefined ? [] : ['raw']),
    ...(prediction === undefined ? [] : ['prediction']),
    ...(thinkingBudget !== undefined && traits.thinkingBudget === undefined ? ['thinking_budget'] : []),
  ];
  if (missing.length === 0) return;
  throw new EngineError(
    'invalid_request',
    `The server behind this model does not know ${missing.join(' and ')}; leave it out.`,
  );
}

function budgetOf({ thinkingBudget }: GenerateRequest, traits: ServerTraits): Fields {
  if (thinkingBudget === undefined || traits.thinkingBudget === undefined) return {};
  return { [traits.thinkingBudget]: thinkingBudget };
}

/** One is named; of several the protocol can only say that it must be any. */
function toolChoice(names: readonly string[]): unknown {
  return names.length === 1 ? { type: 'function', function: { name: names[0] } } : 'required';
}

/** Not `strict`: OpenAI then refuses most schemas, and the others hold to them anyway. */
function jsonFormat({ schema }: ResponseFormat, { anyJson }: ServerTraits): Fields {
  return schema === undefined ? anyJson : { type: 'json_schema', json_schema: { name: 'answer', schema } };
}

export function chatMessages(messages: readonly ChatMessage[], traits: ServerTraits): Fields[] {
  return messages.flatMap((message, index) => {
    switch (message.role) {
      case 'system':
        return [{ role: message.role, content: message.content }];
      case 'user':
        return [{ role: message.role, content: userContent(message.content, message.media ?? []) }];
      case 'assistant':
        return [assistantMessage(message, traits)];
      case 'tool': {
        const result = { role: 'tool', tool_call_id: message.toolCallId, content: message.content };
        // The results of one turn have to follow each other.
        return messages[index + 1]?.role === 'tool' ? [result] : [result, ...picturesOf(messages, index)];
      }
      default:
        return message satisfies never;
    }
  });
}

function userContent(text: string, media: readonly Media[]): unknown {
  if (media.length === 0) return text;
  return [...(text === '' ? [] : [{ type: 'text', text }]), ...media.map(mediaPart)];
}

function mediaPart({ type, mimeType, data }: Media): Fields {
  return type === 'image'
    ? { type: 'image_url', image_url: { url: `data:${mimeType};base64,${data}` } }
    : { type: 'input_audio', input_audio: { data, format: AUDIO_FORMATS[mimeType] } };
}

/** Of the results that end at `last`: a tool's message can have none, so a message after them shows them. */
function picturesOf(messages: readonly ChatMessage[], last: number): Fields[] {
  const before = messages.slice(0, last + 1);
  const first = before.findLastIndex(({ role }) => role !== 'tool') + 1;
  const media = before
    .slice(first)
    .flatMap((message) => (message.role === 'tool' ? (message.media ?? []) : []));
  if (media.length === 0) return [];
  return [{ role: 'user', content: userContent('The pictures of the results above:', media) }];
}

export function chatTools(tools: readonly ToolSpec[]): Fields[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }));
}

function assistantMessage(
  message: Extract<ChatMessage, { role: 'assistant' }>,
  { reasoningBack }: ServerTraits,
): Fields {
  const { content, reasoning, toolCalls } = message;
  return {
    role: 'assistant',
    content: content === '' && toolCalls.length > 0 ? null : content,
    ...(reasoning && reasoningBack !== undefined ? { [reasoningBack]: reasoning } : {}),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toolCall) }),
  };
}

/** Servers parse the arguments of earlier calls to render them, and fail on what a model once wrote wrongly. */
function toolCall({ id, name, arguments: given }: ToolCallRequest): Fields {
  return { id, type: 'function', function: { name, arguments: isJsonObject(given) ? given : '{}' } };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function continuation(prefix: AssistantPrefix, traits: ServerTraits): Fields[] {
  const begun = assistantMessage(
    { role: 'assistant', content: prefix.text, reasoning: prefix.reasoning, toolCalls: [] },
    traits,
  );
  return traits.continuation.type === 'prefill' ? [begun] : [begun, { role: 'user', content: GO_ON }];
}

function chatSampling(
  sampling: SamplingOptions,
  prefix: AssistantPrefix | undefined,
  traits: ServerTraits,
): Fields {
  const { topK, minP, repetitionPenalty, maxTokens, stop } = sampling;
  const used = prefix === undefined ? 0 : estimateTokens(prefix.text) + estimateTokens(prefix.reasoning);
  const named: [string | undefined, unknown][] = [
    ['temperature', sampling.temperature],
    ['top_p', sampling.topP],
    ['presence_penalty', sampling.presencePenalty],
    ['frequency_penalty', sampling.frequencyPenalty],
    ['seed', sampling.seed],
    ['logit_bias', sampling.logitBias],
    ['stop', stop?.length ? stop : undefined],
    [traits.sampling.topK, topK === 0 ? traits.noTopK : topK],
    [traits.sampling.minP, minP],
    [traits.sampling.repetitionPenalty, repetitionPenalty],
    [traits.maxTokens, maxTokens === undefined ? undefined : Math.max(1, maxTokens - used)],
  ];
  return Object.fromEntries(named.filter(([name, value]) => name !== undefined && value !== undefined));
}
