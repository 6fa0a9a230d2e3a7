import type { PayloadOf } from '../events/event.js';
import type { PartialTurn } from './snapshot.js';

export type JournalEvent = PayloadOf<'chunk'> | PayloadOf<'stream_reset'>;

/**
 * What a round's interrupted inference had committed: its chunks folded in order, with what a reset
 * dropped left out. Undefined when there is nothing of use. Pure.
 */
export function foldPartialTurn(events: readonly JournalEvent[]): PartialTurn | undefined {
  let text = '';
  let reasoning = '';
  let calls: { id: string; name: string; arguments: string }[] = [];
  for (const event of events) {
    if (event.type === 'stream_reset') {
      text = text.slice(0, event.to_offset);
      reasoning = reasoning.slice(0, event.to_reasoning_offset);
      calls = [];
      continue;
    }
    const delta = event.choices[0]?.delta;
    if (delta?.content !== undefined) text = text.slice(0, event.offset) + delta.content;
    if (delta?.reasoning_content !== undefined)
      reasoning = reasoning.slice(0, event.offset) + delta.reasoning_content;
    for (const call of delta?.tool_calls ?? []) {
      const known = calls[call.index] ?? { id: call.id ?? '', name: call.function.name ?? '', arguments: '' };
      calls[call.index] = {
        ...known,
        arguments: known.arguments.slice(0, event.offset) + (call.function.arguments ?? ''),
      };
    }
  }
  if (text === '' && reasoning === '' && calls.length === 0) return undefined;
  return {
    text,
    reasoning,
    calls: calls.map((call) => ({ ...call, complete: isCompleteObject(call.arguments) })),
  };
}

/** Arguments are an object, so their JSON is valid exactly when its last brace has come. */
export function isCompleteObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
