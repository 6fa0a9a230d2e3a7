import type { ChatMessage } from '../../engine/engine.js';

export const SYSTEM: ChatMessage = { role: 'system', content: 'You help.' };

export function asked(text: string): ChatMessage {
  return { role: 'user', content: text };
}

export function answered(text: string): ChatMessage {
  return { role: 'assistant', content: text, toolCalls: [] };
}

/** A round of calls with their results, one for each text. */
export function round(name: string, ...results: readonly string[]): ChatMessage[] {
  const ids = results.map((_, index) => `${name}.${index}`);
  return [
    { role: 'assistant', content: '', toolCalls: ids.map((id) => ({ id, name: 'python', arguments: '{}' })) },
    ...results.map((content, index): ChatMessage => ({
      role: 'tool',
      toolCallId: ids[index] ?? '',
      name: 'python',
      content,
    })),
  ];
}

/** A question, a call with its result, and the answer. */
export function turn(name: string, result: string): ChatMessage[] {
  return [asked(`question ${name}`), ...round(name, result), answered(`answer ${name}`)];
}

/** Four characters are a token, and each message costs four more. */
export function countTokens(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + 4 + Math.ceil(message.content.length / 4), 0);
}

/** Call ids without a result and results without a call before them. */
export function splitPairs(messages: readonly ChatMessage[]): string[] {
  const open = new Set<string>();
  const orphans: string[] = [];
  for (const message of messages) {
    if (message.role === 'assistant') for (const { id } of message.toolCalls) open.add(id);
    if (message.role === 'tool' && !open.delete(message.toolCallId)) orphans.push(message.toolCallId);
  }
  return [...orphans, ...open];
}
