import type { EntityManager } from 'typeorm';
import type { EventPayload } from '../events/event.js';

/** Nobody needs this call's answer any more. Returns the events; none when the approval was decided already. */
export async function withdrawApproval(manager: EntityManager, callId: string): Promise<EventPayload[]> {
  const [withdrawn] = await manager.query<[{ id: string }[], number]>(
    `UPDATE approvals SET state = 'cancelled', decided_at = now() WHERE tool_call_id = $1 AND state = 'pending'
     RETURNING id`,
    [callId],
  );
  return withdrawn.map(({ id }) => ({
    type: 'agentic_tool_approval_resolved',
    approval_id: id,
    tool_call_id: callId,
    decision: 'cancelled',
    decided_by: null,
    message: null,
  }));
}
