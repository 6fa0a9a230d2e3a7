import type { Run } from './run.entity.js';
import type { RunView } from './run-view.js';

export interface RunRecord {
  id: string;
  session_id: string;
  kind: Run['kind'];
  state: Run['state'];
  stop_reason: Run['stopReason'];
  round: number;
  usage: Run['usage'];
  error: Run['error'];
  message_id: string | null;
  request_hash: string;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

export function toRunView(row: RunRecord): RunView {
  return {
    id: row.id,
    object: 'run',
    session_id: row.session_id,
    kind: row.kind,
    state: row.state,
    stop_reason: row.stop_reason,
    round: row.round,
    usage: row.usage,
    error: row.error,
    message_id: row.message_id,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
