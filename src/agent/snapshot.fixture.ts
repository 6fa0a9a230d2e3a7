import { WHOLE_CONTEXT } from './context/context-mark.js';
import type { RunSnapshot } from './snapshot.js';
import { NO_USAGE } from '../engine/usage.js';

/** A run about to begin, with what a test changes. */
export function snapshotOf(changes: Partial<RunSnapshot>): RunSnapshot {
  return {
    runId: 'run_1',
    sessionId: 'sess_1',
    owner: 'owner',
    generation: 1,
    kind: 'chat',
    options: {},
    round: 0,
    attempt: 0,
    toolCallCount: 0,
    activeMs: 0,
    usage: NO_USAGE,
    cancelRequestedBy: null,
    messages: [],
    turnStart: 1,
    context: WHOLE_CONTEXT,
    turnCommitted: false,
    finishReason: null,
    calls: [],
    pastCalls: [],
    partial: undefined,
    steering: [],
    ...changes,
  };
}
