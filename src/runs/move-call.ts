import type { EntityManager } from 'typeorm';
import { IllegalTransition } from './run-state.js';
import { statesBefore, type ToolCallState } from './tool-call-state.js';

/** The one way a call changes its state. False when it is in a state that may not become `to`. */
export async function moveCallIfPossible(
  manager: EntityManager,
  callId: string,
  to: ToolCallState,
): Promise<boolean> {
  const [, moved] = await manager.query<[unknown, number]>(
    `UPDATE tool_calls SET state = $2 WHERE id = $1 AND state = ANY ($3)`,
    [callId, to, statesBefore(to)],
  );
  return moved > 0;
}

/** The same; throws IllegalTransition. */
export async function moveCall(manager: EntityManager, callId: string, to: ToolCallState): Promise<void> {
  if (!(await moveCallIfPossible(manager, callId, to)))
    throw new IllegalTransition('call', callId, `become ${to}`);
}
