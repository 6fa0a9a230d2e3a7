import { EngineError, toEngineError } from '../engine-error.js';
import type { EngineEvent } from '../engine.js';
import { ReceivedMessageFold } from '../received-message.js';

/** The same events, with an end where the engine breaks its promise and throws or says none. */
export async function* wholeTurn(
  events: AsyncIterable<EngineEvent>,
): AsyncGenerator<EngineEvent, void, void> {
  const fold = new ReceivedMessageFold();
  let error = new EngineError('provider', 'The engine ended its stream without saying how.');
  try {
    for await (const event of events) {
      fold.add(event);
      yield event;
      if (event.type === 'stop' || event.type === 'error') return;
    }
  } catch (reason) {
    error = toEngineError(reason);
  }
  yield { type: 'error', error, received: fold.snapshot() };
}
