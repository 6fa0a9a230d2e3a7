import type { EntityManager } from 'typeorm';
import { storableText } from '../database/safe-json.js';
import type { ChunkScope } from '../events/chunk-writer.js';
import type { EventPayload } from '../events/event.js';
import { insertMessage } from './insert-message.js';

/**
 * What steers the run and waits is said by the user in its history, oldest first. The caller has locked the run's row.
 * Returns the events to append.
 */
export async function saySteering(
  manager: EntityManager,
  scope: Pick<ChunkScope, 'runId' | 'sessionId'>,
  round: number,
): Promise<EventPayload[]> {
  const waiting = await manager.query<{ id: string; text: string }[]>(
    `SELECT id, text FROM steering_messages WHERE run_id = $1 ORDER BY id`,
    [scope.runId],
  );
  const events: EventPayload[] = [];
  for (const { id, text } of waiting) {
    await manager.query(`DELETE FROM steering_messages WHERE id = $1`, [id]);
    const { sessionId, runId } = scope;
    const message = { sessionId, runId, round, role: 'user', content: text } as const;
    events.push({
      type: 'message',
      message_id: await insertMessage(manager, message),
      role: 'user',
      content: storableText(text),
    });
  }
  return events;
}
