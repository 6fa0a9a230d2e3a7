import type { EntityManager } from 'typeorm';
import { IS_BLOCKED_SQL } from './blocked-run.js';

/** Runs that have been queued for a minute and could be worked, oldest first, 100 at most. */
export async function findOverdueRuns(manager: EntityManager): Promise<readonly string[]> {
  const overdue = await manager.query<{ id: string }[]>(
    `SELECT id FROM runs WHERE state = 'queued' AND created_at < now() - interval '1 minute'
     AND NOT ${IS_BLOCKED_SQL} ORDER BY created_at, id LIMIT 100`,
  );
  return overdue.map(({ id }) => id);
}
