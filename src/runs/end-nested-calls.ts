import type { EntityManager } from 'typeorm';
import { withdrawApproval } from '../approvals/withdraw-approval.js';
import type { EventPayload } from '../events/event.js';
import type { CallJournal } from './call-journal.js';
import { type CallRecord, toCallSnapshot } from './call-record.js';

const OPEN_SQL = `
  SELECT * FROM tool_calls WHERE parent_id = $1
  AND state IN ('proposed', 'awaiting_approval', 'approved', 'running') ORDER BY index`;

/** Ends what is open of a call's nested calls: no code is there any more that could use their results. */
export async function endNestedCalls(
  manager: EntityManager,
  calls: CallJournal,
  parentId: string,
): Promise<EventPayload[]> {
  const open = await manager.query<CallRecord[]>(OPEN_SQL, [parentId]);
  const events: EventPayload[] = [];
  for (const row of open) {
    const call = toCallSnapshot(row);
    events.push(...(await withdrawApproval(manager, call.id)));
    const ending =
      call.state === 'running'
        ? calls.spoken(
            call,
            'in_doubt',
            'What had called it ended first. Whether it took effect is not known.',
          )
        : calls.spoken(call, 'cancelled', '[cancelled]');
    events.push(...(await calls.end(manager, call, ending)));
  }
  return events;
}
