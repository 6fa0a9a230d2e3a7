import type { ServerResponse } from 'node:http';
import { eventFrame, EventStreamResponse } from '../../event-stream-response.js';
import type { GantryEvent } from '../../events/event.js';
import { type CompletionItem, CompletionStream, type CompletionTerms } from './completion-stream.js';
import { sendFailure, type Stop, stopping } from './send-answer.js';

/** So long a completion that fails gets a status of its own; then the stream begins, lest it be taken for dead. */
const SILENCE_MS = 10_000;

/** Sends the run as it goes; the last frame is always `[DONE]`. False: the run is not over. */
export async function streamCompletion(
  response: ServerResponse,
  events: AsyncIterable<GantryEvent>,
  terms: CompletionTerms,
  { gone, closing }: Stop,
): Promise<boolean> {
  const completion = new CompletionStream(terms);
  const stream = new EventStreamResponse(response);
  const silence = setTimeout(() => stream.open(), SILENCE_MS);
  try {
    for await (const event of events) {
      for (const item of completion.add(event)) {
        if (item.type === 'failure' && !stream.isOpen) {
          sendFailure(response, item.failure);
          return completion.isRunOver;
        }
        await stream.write(toFrame(item), gone);
      }
      if (completion.ended) break;
    }
    if (gone.aborted) return completion.isRunOver;
    if (!completion.ended && closing.aborted)
      await stream.write(toFrame({ type: 'failure', failure: stopping() }), gone);
    await stream.write(eventFrame('[DONE]'), gone);
    stream.close();
    return completion.isRunOver;
  } catch (error) {
    // Before that it can still be answered with a status.
    if (stream.isOpen) stream.destroy();
    if (!gone.aborted) throw error;
    return completion.isRunOver;
  } finally {
    clearTimeout(silence);
  }
}

function toFrame(item: CompletionItem): string {
  switch (item.type) {
    case 'chunk':
      return eventFrame(JSON.stringify(item.data), { id: item.seq });
    case 'event':
      return eventFrame(JSON.stringify(item.data), { id: item.seq, name: item.name });
    case 'failure':
      return eventFrame(JSON.stringify({ error: item.failure.error }));
    default:
      return item satisfies never;
  }
}
