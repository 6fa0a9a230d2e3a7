/**
 * SQL: whether a queued run of `runs` has to let another of its session go first. One runs at a time, those of a kind in
 * the order in which they came. A chat run that waits for somebody is still at work on the conversation, so that the
 * next chat run stays behind it; a person's own tool call may pass it, and nobody stays behind one that waits.
 */
export const IS_BLOCKED_SQL = `EXISTS (
  SELECT 1 FROM runs AS other WHERE other.session_id = runs.session_id AND other.id <> runs.id AND (
    other.state = 'running'
    OR (runs.kind = 'chat' AND other.kind = 'chat' AND other.state IN ('waiting_approval', 'waiting_client'))
    OR (other.state = 'queued' AND other.kind = runs.kind AND (other.created_at, other.id) < (runs.created_at, runs.id))
  ))`;
