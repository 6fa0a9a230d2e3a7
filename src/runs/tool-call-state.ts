export type ToolCallState =
  | 'proposed'
  | 'awaiting_approval'
  | 'approved'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'denied'
  | 'cancelled'
  | 'timed_out'
  | 'in_doubt'
  | 'returned';

/** States a call may go to from each; an empty list ends it. `moveCall` guards by it. */
export const TOOL_CALL_TRANSITIONS = {
  proposed: ['awaiting_approval', 'approved', 'failed', 'denied', 'cancelled', 'succeeded', 'returned'],
  awaiting_approval: ['approved', 'denied', 'cancelled', 'failed'],
  approved: ['running', 'cancelled', 'failed'],
  /** `approved` again: an idempotent call whose worker died is run once more. */
  running: ['succeeded', 'failed', 'cancelled', 'timed_out', 'in_doubt', 'approved'],
  succeeded: [],
  failed: [],
  denied: [],
  cancelled: [],
  timed_out: [],
  in_doubt: [],
  /** Given to the client with the run's end; what it makes of it comes with a later run, if ever. */
  returned: [],
} as const satisfies Record<ToolCallState, readonly ToolCallState[]>;

export type FinalToolCallState = {
  [S in ToolCallState]: (typeof TOOL_CALL_TRANSITIONS)[S] extends readonly [] ? S : never;
}[ToolCallState];

/** How a call ended that the run saw to itself. */
export type EndedToolCallState = Exclude<FinalToolCallState, 'returned'>;

export function isFinalToolCallState(state: ToolCallState): state is FinalToolCallState {
  return TOOL_CALL_TRANSITIONS[state].length === 0;
}

/** Every state from which `to` may be entered: the guard of an UPDATE. */
export function statesBefore(to: ToolCallState): ToolCallState[] {
  return (Object.keys(TOOL_CALL_TRANSITIONS) as ToolCallState[]).filter((from) =>
    (TOOL_CALL_TRANSITIONS[from] as readonly ToolCallState[]).includes(to),
  );
}
