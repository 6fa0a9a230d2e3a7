import type { ChatMessage } from '../engine/engine.js';
import { EngineError } from '../engine/engine-error.js';
import type { Media, MediaType } from '../engine/media.js';
import type { ShownMedia } from './ports.js';
import type { SnapshotMessage } from './snapshot.js';

/** Of one request, in base64; the newest are shown, of one message the last. */
export const MAX_SHOWN_CHARS = 24 * 2 ** 20;

/**
 * The messages with what they show, as far as the model takes it. Rejects with an EngineError when it does not take what
 * the user shows now; of what was shown earlier, to another model, it is told the name. A tool's result says
 * itself that there were pictures.
 */
export async function withMedia(
  messages: readonly SnapshotMessage[],
  input: readonly MediaType[],
  media: ShownMedia,
): Promise<readonly ChatMessage[]> {
  const newest = messages.findLastIndex(({ role }) => role === 'user');
  let room = MAX_SHOWN_CHARS;
  const shown: ChatMessage[] = [];
  for (const [index, { shows, ...message }] of [...messages.entries()].toReversed()) {
    // Nothing is read that nobody would see.
    if (shows === undefined || (shows.from === 'pictures' && !input.includes('image'))) {
      shown.unshift(message);
      continue;
    }
    const found = await media.read(shows);
    const seen = found
      .toReversed()
      .filter(({ type, data }) => input.includes(type) && (room -= data.length) >= 0)
      .toReversed();
    if (index === newest) requireTaken(found, input);
    // Only the user can send less; of a tool's pictures the rest is left out.
    const isAsked = index === newest && index === messages.length - 1;
    if (isAsked && seen.length < found.length) throw tooMuch();
    shown.unshift(showing(message, found, seen));
  }
  return shown;
}

function showing(message: ChatMessage, found: readonly Media[], seen: readonly Media[]): ChatMessage {
  if (message.role !== 'user' && message.role !== 'tool') return message;
  const unseen = message.role === 'user' ? found.filter((one) => !seen.includes(one)) : [];
  const notes = unseen.map(({ name, type }) => `[${type} ${name}: not shown to you]`);
  return {
    ...message,
    content: [message.content, ...notes].join('\n'),
    ...(seen.length === 0 ? {} : { media: seen }),
  };
}

function requireTaken(found: readonly Media[], input: readonly MediaType[]): void {
  const refused = found.find(({ type }) => !input.includes(type));
  if (refused === undefined) return;
  throw new EngineError(
    'invalid_request',
    `The model takes no ${refused.type} (${refused.name}). It takes: ${['text', ...input].join(', ')}.`,
  );
}

function tooMuch(): EngineError {
  const limit = MAX_SHOWN_CHARS / 2 ** 20;
  return new EngineError('invalid_request', `The message shows more than ${limit} MiB of base64; send less.`);
}
