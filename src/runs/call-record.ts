import type { CallSnapshot } from '../agent/snapshot.js';

/** A row of `tool_calls`, as far as working it needs. */
export interface CallRecord {
  id: string;
  parent_id: string | null;
  round: number;
  index: number;
  name: string;
  arguments: string;
  arguments_hash: string;
  state: CallSnapshot['state'];
  attempt: number;
  result_content: string | null;
}

export function toCallSnapshot(row: CallRecord): CallSnapshot {
  return {
    id: row.id,
    parentId: row.parent_id,
    round: row.round,
    index: row.index,
    name: row.name,
    arguments: row.arguments,
    state: row.state,
    attempt: row.attempt,
    resultContent: row.result_content,
  };
}
