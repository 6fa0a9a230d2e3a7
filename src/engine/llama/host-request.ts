import type { ChatMessage, GenerateRequest, ResponseFormat, ToolSpec } from '../engine.js';
import type { HostGenerateRequest, HostMessage, HostTool } from './protocol.js';

/** The request as the host is sent it: plain and mutable copies, and the file of its adapter. */
export function hostRequest(request: GenerateRequest, adapter?: string): HostGenerateRequest {
  const {
    sessionId,
    owner,
    messages,
    tools,
    sampling,
    enableThinking,
    thinkingBudget,
    prediction,
    parallelToolCalls,
    forcedTools,
    responseFormat,
    topLogprobs,
    raw,
    continueFrom,
  } = request;
  const { stop, logitBias, ...numbers } = sampling;
  return {
    sessionId,
    ...(owner === undefined ? {} : { owner }),
    messages: hostMessages(messages),
    tools: hostTools(tools),
    sampling: {
      ...numbers,
      ...(stop === undefined ? {} : { stop: [...stop] }),
      ...(logitBias === undefined ? {} : { logitBias: { ...logitBias } }),
    },
    ...(enableThinking === undefined ? {} : { enableThinking }),
    ...(thinkingBudget === undefined ? {} : { thinkingBudget }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(prediction === undefined ? {} : { prediction }),
    ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
    ...(forcedTools === undefined ? {} : { forcedTools: [...forcedTools] }),
    ...(responseFormat === undefined ? {} : { responseFormat: copyOfFormat(responseFormat) }),
    ...(raw === undefined ? {} : { raw }),
    ...(topLogprobs === undefined ? {} : { topLogprobs }),
    ...(continueFrom === undefined ? {} : { continueFrom: { ...continueFrom } }),
  };
}

function copyOfFormat({ type, schema }: ResponseFormat): NonNullable<HostGenerateRequest['responseFormat']> {
  return { type, ...(schema === undefined ? {} : { schema: { ...schema } }) };
}

export function hostMessages(messages: readonly ChatMessage[]): HostMessage[] {
  return messages.map((message) =>
    message.role === 'assistant'
      ? { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call })) }
      : { ...message },
  );
}

export function hostTools(tools: readonly ToolSpec[]): HostTool[] {
  return tools.map(({ name, description, parameters }) => ({
    name,
    description,
    parameters: { ...parameters },
  }));
}
