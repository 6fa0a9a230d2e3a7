import type { EntityManager } from 'typeorm';
import type { RunQueue } from './run-queue.js';

/**
 * Puts the session's oldest queued runs, one of each kind, in front of a worker again. Call it after the transaction has
 * appended its events: it stands in line by then with those who make runs, and each sees what the other did.
 */
export async function enqueueNext(manager: EntityManager, queue: RunQueue, sessionId: string): Promise<void> {
  const next = await manager.query<{ id: string }[]>(
    `SELECT DISTINCT ON (kind) id FROM runs WHERE session_id = $1 AND state = 'queued' ORDER BY kind, created_at, id`,
    [sessionId],
  );
  for (const { id } of next) await queue.enqueue(manager, id);
}
