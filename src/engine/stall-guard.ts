import { isCouncilEvent } from './council-event.js';
import type { EngineEvent, ReceivedMessage } from './engine.js';
import { EngineError } from './engine-error.js';

/** Milliseconds between two events of a stream before it counts as stalled. */
export interface StallLimits {
  /** Reading a long prompt is silent. */
  readonly first: number;
  readonly text: number;
  /** Thinking may pause longer. */
  readonly reasoning: number;
}

export const STALL_LIMITS: StallLimits = { first: 20 * 60_000, text: 60_000, reasoning: 120_000 };

const NOTHING: ReceivedMessage = { text: '', reasoning: '', completeCalls: [] };

/**
 * The same events; a stream that says nothing for too long is aborted and ends with an `error` event of
 * cause `idle_stall`. Only the engine's silence counts, not the time its reader takes.
 */
export async function* guardStalls(
  start: (signal: AbortSignal) => AsyncIterable<EngineEvent>,
  signal: AbortSignal,
  limits: StallLimits,
): AsyncGenerator<EngineEvent, void, void> {
  const stop = new AbortController();
  const events = start(AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  let limitMs = limits.first;
  try {
    for (;;) {
      const next = await nextWithin(events, limitMs);
      if (next === 'stalled') {
        const message = `The engine said nothing for ${Math.round(limitMs / 1000)} s.`;
        const error = new EngineError('stream_interrupted', message, { interruption: 'idle_stall' });
        // Says why, so that an engine that counts failures counts its silence as one.
        stop.abort(error);
        yield { type: 'error', error, received: NOTHING };
        return;
      }
      if (next.done) return;
      const event = next.value;
      limitMs = limitAfter(event, limits) ?? limitMs;
      yield event;
      if (event.type === 'stop' || event.type === 'error') return;
    }
  } finally {
    // Whoever left, the generation ends with it. A stalled one may never answer, so nobody waits for it.
    stop.abort();
    void events.return?.();
  }
}

/** Undefined: the turn itself has not begun by it. A council bounds each of its experts by itself. */
function limitAfter(event: EngineEvent, limits: StallLimits): number | undefined {
  if (event.type === 'queued' || event.type === 'fallback' || isCouncilEvent(event)) return undefined;
  return event.type === 'reasoning_delta' ? limits.reasoning : limits.text;
}

async function nextWithin(
  events: AsyncIterator<EngineEvent>,
  limitMs: number,
): Promise<IteratorResult<EngineEvent> | 'stalled'> {
  const { promise, resolve } = Promise.withResolvers<'stalled'>();
  const timer = setTimeout(() => resolve('stalled'), limitMs);
  try {
    return await Promise.race([events.next(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
