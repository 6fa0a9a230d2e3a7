import type { ChatMessage } from '../../engine/engine.js';
import { capOutput } from '../cap-output.js';
import { type ContextMark, isShown } from './context-mark.js';

type Said = Exclude<ChatMessage, { role: 'system' }>;

/** A turn, or a round of the turn in work, that leaves the context. */
export interface LeftOut {
  readonly kind: 'turn' | 'round';
  readonly messages: readonly Said[];
}

/** What is shown under `before` and no longer under `after`, oldest first. */
export function leftOutBetween(
  messages: readonly ChatMessage[],
  before: ContextMark,
  after: ContextMark,
  turnStart: number,
): readonly LeftOut[] {
  const pieces: { kind: LeftOut['kind']; messages: Said[] }[] = [];
  for (const [place, message] of messages.entries()) {
    if (message.role === 'system' || !isShown(message, place, before) || isShown(message, place, after))
      continue;
    const kind = place < turnStart ? 'turn' : 'round';
    const last = pieces.at(-1);
    const begins = last?.kind !== kind || message.role === (kind === 'turn' ? 'user' : 'assistant');
    if (begins) pieces.push({ kind, messages: [message] });
    else last.messages.push(message);
  }
  return pieces;
}

/** As text for whoever summarises it, with at most so many characters of each thing said. */
export function textOf(piece: LeftOut, longest: number): string {
  return piece.messages.flatMap((message) => linesOf(message, longest)).join('\n');
}

function linesOf(message: Said, longest: number): string[] {
  const gist = (content: string) => capOutput(content, longest, undefined).content;
  switch (message.role) {
    case 'user':
      return [`User: ${gist(message.content)}`];
    case 'assistant':
      return [
        ...(message.content === '' ? [] : [`Assistant: ${gist(message.content)}`]),
        ...message.toolCalls.map((call) => `Assistant calls ${call.name}: ${gist(call.arguments)}`),
      ];
    case 'tool':
      return [`Result of ${message.name}: ${gist(message.content)}`];
    default:
      return message satisfies never;
  }
}
