import type { EntityManager } from 'typeorm';
import { isTransientDatabaseError, retryTransient } from '../database/transient-error.js';
import { type ChunkScope, FencedError } from '../events/chunk-writer.js';
import type { EventLog } from '../events/event-log.js';
import type { EventPayload } from '../events/event.js';

/** How long a commit is tried again while the database is away. */
export const DATABASE_PATIENCE_MS = 60_000;

/** The guard of every write: after another claim no row matches, and the worker stops. */
const FENCE_SQL = `SELECT 1 FROM runs WHERE id = $1 AND generation = $2 AND state = 'running' FOR UPDATE`;

export type FencedWork<T> = (
  manager: EntityManager,
  append: (payloads: readonly EventPayload[]) => Promise<unknown>,
) => Promise<T>;

/**
 * A commit was cut off, and its repetition does not fit what is stored: the first one had landed. The
 * run is no worse for it; whoever reads it anew can go on.
 */
export class LandedCommitError extends Error {
  constructor(runId: string, cause: unknown) {
    super(`A commit of run ${runId} that was cut off seems to have landed.`, { cause });
    this.name = 'LandedCommitError';
  }
}

/**
 * One transaction with its events on a run's row, which stays locked, tried again while the database is
 * away. Rejects with FencedError once the run is another worker's or over, and with LandedCommitError.
 */
export function commitFenced<T>(log: EventLog, scope: ChunkScope, work: FencedWork<T>): Promise<T> {
  let wasCutOff = false;
  return retryTransient(async () => {
    try {
      return await log.transaction(async (manager, append) => {
        const rows = await manager.query<unknown[]>(FENCE_SQL, [scope.runId, scope.generation]);
        if (rows.length === 0) throw new FencedError(scope.runId);
        return work(manager, (payloads) => append(scope.sessionId, scope.runId, payloads));
      });
    } catch (error) {
      if (wasCutOff && !(error instanceof FencedError) && !isTransientDatabaseError(error)) {
        throw new LandedCommitError(scope.runId, error);
      }
      wasCutOff = true;
      throw error;
    }
  }, DATABASE_PATIENCE_MS);
}
