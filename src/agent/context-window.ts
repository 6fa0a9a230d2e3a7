import type { ChatMessage, Engine, ToolSpec } from '../engine/engine.js';

/** Share of the window kept free for the answer. */
const ANSWER_SHARE = 0.25;
const TRIMMED = '[result left out to make room]';

/**
 * The conversation as it fits the window, by real token counts: first old tool results are emptied,
 * then whole old turns go, oldest first; a call and its result stay together and the newest turn stays
 * whole. The log keeps everything. What still does not fit is the engine's to refuse.
 */
export async function fitToContext(
  engine: Engine,
  messages: readonly ChatMessage[],
  tools: readonly ToolSpec[],
): Promise<readonly ChatMessage[]> {
  const { contextSize } = await engine.capabilities();
  const budget = Math.floor(contextSize * (1 - ANSWER_SHARE));
  let fitting = messages;
  for (const reduce of [
    trimOldResults,
    ...Array.from({ length: countTurns(messages) - 1 }, () => dropOldestTurn),
  ]) {
    if ((await engine.count({ messages: fitting, tools })) <= budget) return fitting;
    fitting = reduce(fitting);
  }
  return fitting;
}

function countTurns(messages: readonly ChatMessage[]): number {
  return Math.max(1, messages.filter((message) => message.role === 'user').length);
}

/** Empties the results of every turn but the newest. */
export function trimOldResults(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const newest = messages.findLastIndex((message) => message.role === 'user');
  return messages.map((message, index) =>
    message.role === 'tool' && index < newest ? { ...message, content: TRIMMED } : message,
  );
}

/** Without the first user message and all up to the next one; system messages stay. */
export function dropOldestTurn(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const first = messages.findIndex((message) => message.role === 'user');
  const second = messages.findIndex((message, index) => index > first && message.role === 'user');
  if (first < 0 || second < 0) return messages;
  return messages.filter((message, index) => message.role === 'system' || index < first || index >= second);
}
