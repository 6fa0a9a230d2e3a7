import { DomainError } from '../../errors.js';
import type { ConversationTurn } from '../../runs/conversation-runs.js';
import type { ConversationMessage } from '../../sessions/conversation.service.js';
import type { ChatCompletionMessage } from './chat-message.js';
import { mediaOf, textOf } from './content-part.js';
import type { ChatRequest } from './chat-request.js';

/**
 * What the messages ask for. Without a session they are the whole conversation. In a session only those after the
 * last message of the assistant count: the server has the rest.
 */
export function toTurn({ messages, session_id: sessionId }: ChatRequest): ConversationTurn {
  const last = messages.at(-1);
  if (last === undefined || (last.role !== 'user' && last.role !== 'tool')) {
    throw badMessages('messages', 'The last message must be of role user or tool.');
  }
  return sessionId === undefined ? wholeConversation(messages) : nextInSession(sessionId, messages);
}

function nextInSession(sessionId: string, messages: readonly ChatCompletionMessage[]): ConversationTurn {
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1);
  const results = fresh.flatMap((message) =>
    message.role === 'tool' ? [{ toolCallId: message.tool_call_id, content: textOf(message.content) }] : [],
  );
  const said = fresh.flatMap((message) => (message.role === 'user' ? [message.content] : []));
  const input = said.length > 0 ? said.map(textOf).join('\n\n') : undefined;
  const media = said.flatMap(mediaOf);
  if (results.length > 0) return { type: 'results', sessionId, results, input, media };
  return { type: 'message', sessionId, input: input ?? '', media };
}

function wholeConversation(messages: readonly ChatCompletionMessage[]): ConversationTurn {
  const system = messages.flatMap((message) =>
    message.role === 'system' || message.role === 'developer' ? [textOf(message.content)] : [],
  );
  const past = withUniqueCallIds(messages);
  const last = past.at(-1);
  const asked = last?.role === 'user' ? last : undefined;
  return {
    type: 'conversation',
    conversation: {
      systemPrompt: system.length > 0 ? system.join('\n\n') : null,
      messages: asked === undefined ? past : past.slice(0, -1),
    },
    input: asked?.content,
    media: asked?.media ?? [],
  };
}

/** Clients count their calls anew in each turn; here an id names one call. */
function withUniqueCallIds(messages: readonly ChatCompletionMessage[]): ConversationMessage[] {
  const past: ConversationMessage[] = [];
  let open = new Map<string, string>();
  for (const [index, message] of messages.entries()) {
    switch (message.role) {
      case 'system':
      case 'developer':
        break;
      case 'user':
        open = new Map();
        past.push({ role: 'user', content: textOf(message.content), media: mediaOf(message.content) });
        break;
      case 'assistant': {
        const calls = message.tool_calls ?? [];
        open = new Map(calls.map((call, place) => [call.id, `${index}.${place}`]));
        if (open.size < calls.length) {
          throw badMessages(`messages[${index}].tool_calls`, 'Two calls of one message have the same id.');
        }
        past.push({
          role: 'assistant',
          content: textOf(message.content),
          ...(message.reasoning_content ? { reasoning: message.reasoning_content } : {}),
          toolCalls: calls.map(({ id, function: { name, arguments: json } }) => ({
            id: open.get(id) ?? id,
            name,
            arguments: json,
          })),
        });
        break;
      }
      case 'tool': {
        const id = open.get(message.tool_call_id);
        open.delete(message.tool_call_id);
        if (id === undefined) {
          throw badMessages(
            `messages[${index}].tool_call_id`,
            'names no call of the assistant message before it, or one that has its result already.',
          );
        }
        past.push({ role: 'tool', content: textOf(message.content), toolCallId: id });
        break;
      }
      default:
        message satisfies never;
    }
  }
  return past;
}

function badMessages(param: string, message: string): DomainError {
  return new DomainError('invalid_request', `${param}: ${message}`, { param, reason: 'invalid_messages' });
}
