import { EngineError } from '../engine-error.js';
import { readChunk, type ChatChunk } from './chat-chunk.js';
import { EventStreamDecoder, type ServerSentEvent } from './event-stream-decoder.js';
import { readText, type HttpResponse } from './http-exchange.js';
import type { UpstreamLimits } from './openai-engine-options.js';
import { errorInAnswer } from './upstream-error.js';

export type AnswerItem = { readonly type: 'chunk'; readonly chunk: ChatChunk } | { readonly type: 'done' };

/** The chunks of a response with status 200; `done` where the server said so. Throws what the answer breaks with. */
export async function* readAnswer(
  response: HttpResponse,
  limits: UpstreamLimits,
): AsyncGenerator<AnswerItem, void, void> {
  const type = response.headers['content-type'] ?? '';
  if (/\bhtml\b/i.test(type)) {
    throw new EngineError(
      'provider',
      'The server answered with a web page: MODEL may have the wrong base URL.',
    );
  }
  if (/\bjson\b/i.test(type)) {
    yield { type: 'chunk', chunk: wholeAnswer(await readText(response, limits.bodyBytes)) };
    yield { type: 'done' };
    return;
  }
  const decoder = new EventStreamDecoder(limits.eventChars);
  for await (const bytes of response.body as AsyncIterable<Buffer>) {
    for (const event of decoder.push(bytes)) yield* readEvent(event);
  }
  for (const event of decoder.end()) yield* readEvent(event);
}

function readEvent(event: ServerSentEvent): AnswerItem[] {
  const data = event.data.trim();
  if (data === '') return [];
  if (data === '[DONE]') return [{ type: 'done' }];
  const value = parseJson(data);
  if (event.name === 'error') throw errorInAnswer(value ?? data, 'stream');
  if (value === undefined) {
    // What the end of the stream cut says nothing; that it was cut, the end itself tells.
    if (!event.whole) return [];
    throw new EngineError('provider', 'The server sent an event that is no JSON.');
  }
  // Servers mix in events of their own.
  const chunk = readChunk(value);
  return chunk === undefined ? [] : [{ type: 'chunk', chunk }];
}

/** From a server that does not stream. */
function wholeAnswer(text: string): ChatChunk {
  const value = parseJson(text);
  const chunk = readChunk(value);
  if (chunk?.error !== undefined) throw errorInAnswer(value, 'body');
  if (chunk?.answers !== true) {
    throw new EngineError('provider', 'The server answered with JSON that is no answer.');
  }
  return chunk;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
