import type { RunResponse } from '../../events/event.js';
import type { ChosenToken } from '../../token-logprobs.js';
import { choiceLogprobs } from './answer-tokens.js';
import { finishReason } from './completion-stream.js';

/** The whole answer at once, in OpenAI's shape with ours beside it. */
export function toCompletion(response: RunResponse, tokens: readonly ChosenToken[]): object {
  const message = response.choices[0]?.message;
  const calls = message?.tool_calls;
  const { agentic_tool_calls: agentic, files } = response;
  return {
    id: response.id,
    object: 'chat.completion',
    created: response.created,
    model: response.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: calls !== undefined && message?.content === '' ? null : (message?.content ?? ''),
          refusal: null,
          ...(message?.reasoning_content === undefined
            ? {}
            : { reasoning_content: message.reasoning_content }),
          ...(calls === undefined ? {} : { tool_calls: calls }),
        },
        logprobs: choiceLogprobs(tokens),
        finish_reason: finishReason(response),
      },
    ],
    usage: response.usage,
    session_id: response.session_id,
    stop_reason: response.stop_reason,
    ...(agentic.length === 0 ? {} : { agentic_tool_calls: agentic }),
    ...(files.length === 0 ? {} : { files }),
  };
}
