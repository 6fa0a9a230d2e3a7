import type { EntityManager } from 'typeorm';
import { foldPartialTurn, type JournalEvent } from '../agent/partial-turn.js';
import type { PartialTurn } from '../agent/snapshot.js';

const JOURNAL_SQL = `
  SELECT payload FROM events WHERE run_id = $1 AND type IN ('chunk', 'stream_reset') AND payload -> 'round' = $2::jsonb
  ORDER BY seq`;

/** What the log has of a round's inference that was not committed as a turn; undefined when nothing of use. */
export async function readPartialTurn(
  manager: EntityManager,
  runId: string,
  round: number,
): Promise<PartialTurn | undefined> {
  const rows = await manager.query<{ payload: JournalEvent }[]>(JOURNAL_SQL, [runId, String(round)]);
  return foldPartialTurn(rows.map(({ payload }) => payload));
}
