import type { RunView } from '../../src/runs/run-view.js';

/** A run of `sess_1` that has not begun. */
export function runView(id: string): RunView {
  return {
    id,
    object: 'run',
    session_id: 'sess_1',
    kind: 'chat',
    state: 'queued',
    stop_reason: null,
    round: 0,
    usage: null,
    error: null,
    message_id: null,
    created_at: '',
    started_at: null,
    finished_at: null,
  };
}
