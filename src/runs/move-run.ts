import type { EntityManager } from 'typeorm';
import { IllegalTransition, RUN_TRANSITIONS, type RunTransition } from './run-state.js';

/**
 * The one way a run changes its state: guarded by the states the transition may leave. A run that no
 * worker has belongs to none. Throws IllegalTransition when the run is in another state.
 */
export async function moveRun(
  manager: EntityManager,
  runId: string,
  transition: RunTransition,
): Promise<void> {
  const { from, to } = RUN_TRANSITIONS[transition];
  const [, moved] = await manager.query<[unknown, number]>(
    `UPDATE runs SET state = $2, worker_id = CASE WHEN $2 = 'running' THEN worker_id END
     WHERE id = $1 AND state = ANY ($3)`,
    [runId, to, from],
  );
  if (moved === 0) throw new IllegalTransition('run', runId, transition);
}
