import type { DataSource } from 'typeorm';
import type { ModelUsers } from '../engine/resident/model-lifecycle.js';
import type { RunService } from './run.service.js';

/** Runs that wait for a person or a client need no model meanwhile, and may wait for days. */
const OPEN_RUNS_SQL = `
  SELECT id AS "runId", session_id AS "sessionId", owner FROM runs
  WHERE kind = 'chat' AND state IN ('queued', 'running') AND (
    options->>'model' = ANY ($1)
    OR (options->>'model' LIKE 'council:%' AND string_to_array(substr(options->>'model', 9), ',') && $1)
    OR ($2 AND COALESCE(options->>'model', 'default') = 'default')
  ) ORDER BY id`;

/** The runs that need a model, as its life cycle asks for them. */
export function runModelUsers(dataSource: DataSource, runs: RunService): ModelUsers {
  return {
    openRuns: ({ names, isDefault }) => dataSource.query(OPEN_RUNS_SQL, [names, isDefault]),
    cancel: async (open) => {
      for (const { runId, owner } of open) await runs.cancel(owner, { run_id: runId });
    },
  };
}
