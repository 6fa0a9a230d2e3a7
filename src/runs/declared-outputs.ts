import type { EntityManager } from 'typeorm';
import { notProduced } from '../files/file-object.js';
import type { FileObject } from '../events/event.js';
import type { RunOptions } from './run-request.js';

/** The outputs that the request declared and that are not in the working directory at the end, as placeholders. */
export async function missingOutputs(manager: EntityManager, runId: string): Promise<FileObject[]> {
  const [run] = await manager.query<{ session_id: string; options: RunOptions }[]>(
    `SELECT session_id, options FROM runs WHERE id = $1`,
    [runId],
  );
  const declared = run?.options.files ?? [];
  if (!run || declared.length === 0) return [];
  const rows = await manager.query<{ path: string }[]>(
    `SELECT path FROM workspace_entries WHERE session_id = $1 AND path = ANY ($2)`,
    [run.session_id, declared.map(({ name }) => name)],
  );
  const made = new Set(rows.map(({ path }) => path));
  return declared.filter(({ name }) => !made.has(name)).map(({ name }) => notProduced(name));
}
