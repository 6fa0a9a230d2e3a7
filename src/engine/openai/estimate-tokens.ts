import type { GenerateRequest } from '../engine.js';

/** What templates put around a message, and around each call and tool in it. */
const FRAME_TOKENS = 8;

/** A picture of ordinary size at OpenAI takes 765 to 1,105, elsewhere about as much; a sound of a minute, too. */
const MEDIA_TOKENS = 1100;

/**
 * Tokens that the text would take, without its tokenizer: too many rather than too few, so that a context is
 * made room in before it overflows. English prose comes out about a third too high, code about a half.
 * Three letters or spaces count as one token, any other ASCII character as one (tokenizers split digits),
 * and two bytes of anything else.
 */
export function estimateTokens(text: string): number {
  let thirds = 0;
  for (const character of text) {
    if (/[a-z ]/i.test(character)) thirds += 1;
    else if (character <= '\u007F') thirds += 3;
    else thirds += character <= '\u07FF' ? 3 : 5;
  }
  return Math.ceil(thirds / 3);
}

export function estimatePromptTokens({
  messages,
  tools,
}: Pick<GenerateRequest, 'messages' | 'tools'>): number {
  const texts = messages.flatMap((message) =>
    message.role === 'assistant'
      ? [
          message.reasoning ?? '',
          message.content,
          ...message.toolCalls.flatMap((call) => [call.name, call.arguments]),
        ]
      : [message.content],
  );
  const media = messages.flatMap((message) => ('media' in message ? (message.media ?? []) : []));
  const specs = tools.map((tool) => JSON.stringify(tool));
  const inTexts = [...texts, ...specs].reduce(
    (sum, text) => sum + estimateTokens(text) + FRAME_TOKENS,
    FRAME_TOKENS,
  );
  return inTexts + media.length * MEDIA_TOKENS;
}
