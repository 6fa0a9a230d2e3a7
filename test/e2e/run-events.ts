import type { CreatedRun, GantryClient } from '../../src/client/gantry-client.js';
import type { EventType, PayloadOf } from '../../src/events/event.js';
import { isTerminalEvent } from '../../src/events/event.js';
import type { WireEvent } from '../../src/gateway/frames.js';

/** For what a busy machine takes long to do; a test that waits longer has failed. */
const BOUND_MS = 60_000;

/** The run's events from its first to the one that `until` names, or to its end. */
export async function eventsOf(
  client: GantryClient,
  { run, session_id: sessionId, after_seq: afterSeq }: CreatedRun,
  until: (event: WireEvent) => boolean = isTerminalEvent,
): Promise<WireEvent[]> {
  const signal = AbortSignal.timeout(BOUND_MS);
  const seen: WireEvent[] = [];
  for await (const item of client.session(sessionId).events({ afterSeq, signal })) {
    if (item.type === 'live' || item.type === 'snapshot' || item.run_id !== run.id) continue;
    seen.push(item);
    if (until(item)) return seen;
    if (isTerminalEvent(item)) break;
  }
  throw new Error(`the event did not come; seen: ${seen.map(({ type }) => type).join(', ')}`);
}

export function ofType<T extends EventType>(events: readonly WireEvent[], type: T): PayloadOf<T>[] {
  return events.filter((event) => event.type === type) as unknown as PayloadOf<T>[];
}

/** How the only call of the run ended. */
export function endOfCall(events: readonly WireEvent[]): PayloadOf<'agentic_tool_call_progress'> {
  const ends = ofType(events, 'agentic_tool_call_progress').filter(({ phase }) => phase === 'complete');
  const [end] = ends;
  if (end === undefined || ends.length > 1) throw new Error(`${ends.length} calls ended`);
  return end;
}

/** The run's last word. */
export function responseOf(events: readonly WireEvent[]): PayloadOf<'done'>['response'] {
  const [done] = ofType(events, 'done');
  if (done === undefined) throw new Error(`not done but ${JSON.stringify(events.at(-1))}`);
  return done.response;
}

/** What the only call of the run gave the model to read. */
export function resultOf(events: readonly WireEvent[]): string {
  return responseOf(events).agentic_tool_calls[0]?.result_content ?? '';
}

export const isOutput = (event: WireEvent): boolean => event.type === 'agentic_tool_output';
