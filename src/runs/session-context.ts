import type { EntityManager } from 'typeorm';
import { type ContextMark, WHOLE_CONTEXT } from '../agent/context/context-mark.js';
import { storableText } from '../database/safe-json.js';

const READ_SQL = `
  SELECT shown_from AS "from", asked_from AS "askedFrom", trimmed_before AS "trimmedBefore",
    capped_before AS "cappedBefore", cap_characters AS "capCharacters", summary
  FROM session_contexts WHERE session_id = $1`;

const WRITE_SQL = `
  INSERT INTO session_contexts (session_id, run_id, shown_from, asked_from, trimmed_before, capped_before,
    cap_characters, summary)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (session_id) DO UPDATE SET run_id = excluded.run_id, shown_from = excluded.shown_from,
    asked_from = excluded.asked_from, trimmed_before = excluded.trimmed_before,
    capped_before = excluded.capped_before, cap_characters = excluded.cap_characters,
    summary = excluded.summary, updated_at = now()`;

/** Positions are dense from 1, and the snapshot's messages have the system message at 0: so they are the mark's places. */
export async function readContext(manager: EntityManager, sessionId: string): Promise<ContextMark> {
  const [mark] = await manager.query<ContextMark[]>(READ_SQL, [sessionId]);
  return mark ?? WHOLE_CONTEXT;
}

export async function writeContext(
  manager: EntityManager,
  { sessionId, runId }: { readonly sessionId: string; readonly runId: string },
  mark: ContextMark,
): Promise<void> {
  const summary = mark.summary === null ? null : storableText(mark.summary);
  await manager.query(WRITE_SQL, [
    sessionId,
    runId,
    mark.from,
    mark.askedFrom,
    mark.trimmedBefore,
    mark.cappedBefore,
    mark.capCharacters,
    summary,
  ]);
}
