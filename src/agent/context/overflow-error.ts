import type { ChatMessage } from '../../engine/engine.js';
import { EngineError } from '../../engine/engine-error.js';
import type { ContextBudget } from './budget.js';
import type { Counter } from './find-mark.js';

/** For who asked that nothing be left out. */
export function answerTooLarge(promptTokens: number, budget: ContextBudget): EngineError {
  const { contextSize, limit } = budget;
  const answerTokens = contextSize - limit;
  return overflow(
    `The conversation takes ${promptTokens} tokens, and the model's context holds ${contextSize}, of which ` +
      `${answerTokens} are kept for the answer. Send less, lower max_tokens, or let the server make room with ` +
      `context_overflow: "compact" or "truncate".`,
    promptTokens,
    budget,
  );
}

/** The turn in work is too large by itself. Counts once more, to say what the rest of the prompt takes. */
export async function turnTooLarge(
  messages: readonly ChatMessage[],
  leastTokens: number,
  budget: ContextBudget,
  count: Counter,
): Promise<EngineError> {
  const system = messages.filter((message) => message.role === 'system');
  const fixed = await count([...system, { role: 'user', content: '-' }]);
  const { contextSize, hardLimit } = budget;
  const answerTokens = contextSize - hardLimit;
  return overflow(
    `This message does not fit: with the system prompt and the tools, which take ${fixed} tokens, it comes to ` +
      `${leastTokens}, and the model's context holds ${contextSize}, of which at least ${answerTokens} are kept for the ` +
      `answer. Shorten it by ${Math.max(1, leastTokens - hardLimit)} tokens, offer fewer tools, or use a model with a larger context.`,
    leastTokens,
    { contextSize, limit: hardLimit },
  );
}

function overflow(
  message: string,
  promptTokens: number,
  { contextSize, limit }: Pick<ContextBudget, 'contextSize' | 'limit'>,
): EngineError {
  const context = { promptTokens, answerTokens: contextSize - limit, contextSize };
  return new EngineError('context_overflow', message, { context });
}
