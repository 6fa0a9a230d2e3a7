import type { EngineEvent, ReceivedMessage, TurnEvent } from '../engine.js';
import type { Decision } from './decide.js';
import type { Spending } from './spending.js';

export const NOTHING: ReceivedMessage = { text: '', reasoning: '', completeCalls: [] };

/** The turn that was chosen, as if its expert alone had been asked. */
export function* turnOf(
  { ballot, told }: Extract<Decision, { type: 'chosen' }>,
  spent: Spending,
): Generator<EngineEvent, void, void> {
  const { expert, reason, message } = ballot;
  yield { type: 'council_decided', chosen: expert, ...told };
  yield* piecesOf(message);
  yield* ended(spent, { type: 'stop', reason, message });
}

export function* ended(
  spent: Spending,
  end: Extract<EngineEvent, { type: 'stop' | 'error' }>,
): Generator<EngineEvent, void, void> {
  yield* spent.tell();
  yield end;
}

function* piecesOf({ reasoning, text, completeCalls }: ReceivedMessage): Generator<TurnEvent, void, void> {
  if (reasoning !== '') {
    yield { type: 'reasoning_delta', text: reasoning };
    yield { type: 'content_block_stop', block: 'reasoning' };
  }
  if (text !== '') {
    yield { type: 'text_delta', text };
    yield { type: 'content_block_stop', block: 'text' };
  }
  for (const { id, name, arguments: json } of completeCalls) {
    yield { type: 'tool_call_start', id, name };
    yield { type: 'tool_call_delta', id, arguments: json };
    yield { type: 'content_block_stop', block: 'tool_call', id };
  }
}
