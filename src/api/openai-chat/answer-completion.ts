import type { ServerResponse } from 'node:http';
import type { FileObject, GantryEvent } from '../../events/event.js';
import { AnswerTokens } from './answer-tokens.js';
import { failureOf } from './completion-failure.js';
import { toCompletion } from './completion-response.js';
import { sendFailure, sendJson, type Stop, stopping } from './send-answer.js';

/** Of files in one answer, in characters of base64 or text; what does not fit is fetched by id. */
const MAX_INLINE = 32 * 1024 * 1024;

/** Sends the run's end as one JSON object. False: the run is not over. */
export async function answerCompletion(
  response: ServerResponse,
  events: AsyncIterable<GantryEvent>,
  { closing }: Stop,
): Promise<boolean> {
  const bodies = new Map<string, FileObject>();
  const tokens = new AnswerTokens();
  let room = MAX_INLINE;
  for await (const event of events) {
    tokens.add(event);
    if (event.type === 'file') {
      room -= (event.file.data_base64 ?? event.file.text ?? '').length;
      if (room > 0) bodies.set(event.file.id, event.file);
      continue;
    }
    if (event.type === 'done') {
      const files = event.response.files.map((file) => bodies.get(file.id) ?? file);
      sendJson(response, 200, toCompletion({ ...event.response, files }, tokens.all));
      return true;
    }
    const failure = failureOf(event);
    if (failure === undefined) continue;
    sendFailure(response, failure);
    return true;
  }
  if (closing.aborted) sendFailure(response, stopping());
  return false;
}
