import type { EntityManager } from 'typeorm';
import type { ChunkScope } from '../events/chunk-writer.js';
import type { EventPayload } from '../events/event.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import { IS_BLOCKED_SQL } from './blocked-run.js';
import type { CallJournal } from './call-journal.js';
import { type CallRecord, toCallSnapshot } from './call-record.js';
import { endNestedCalls } from './end-nested-calls.js';
import type { Run } from './run.entity.js';
import { insertMessage } from './insert-message.js';
import { moveCall } from './move-call.js';
import { moveRun } from './move-run.js';
import { closeReturnedCalls } from './returned-calls.js';
import { identifyTool } from './run-tools.js';
import type { ToolCallState } from './tool-call-state.js';
import { isWorkerDead } from './worker-lease.js';

interface ClaimRecord {
  id: string;
  session_id: string;
  owner: string;
  kind: Run['kind'];
  state: Run['state'];
  generation: number;
  worker_id: string | null;
  options: Run['options'];
  input: string | null;
  message_id: string | null;
  input_file_ids: string[] | null;
}

export interface ClaimedRun extends ChunkScope {
  readonly owner: string;
  readonly kind: Run['kind'];
  readonly options: Run['options'];
  /** That works it. */
  readonly model: string;
  /** An earlier worker had begun it. */
  readonly resumed: boolean;
}

/**
 * Makes the run this worker's: bumps its generation, so that every write of an earlier owner misses.
 * Undefined when there is nothing to claim: ended, waiting, another's, or behind another run of its session
 * (whose end puts this one in the queue again).
 */
export async function claimRun(
  manager: EntityManager,
  runId: string,
  worker: { readonly id: string; readonly modelFor: (asked: string | undefined) => string },
): Promise<ClaimedRun | undefined> {
  const [found] = await manager.query<{ session_id: string }[]>(`SELECT session_id FROM runs WHERE id = $1`, [
    runId,
  ]);
  if (!found) return undefined;
  // One claim per session at a time, or two queued runs could each see no other running.
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('claim ' || $1, 0))`, [
    found.session_id,
  ]);
  const [run] = await manager.query<ClaimRecord[]>(`SELECT * FROM runs WHERE id = $1 FOR UPDATE`, [runId]);
  if (!run || (run.state !== 'queued' && run.state !== 'running')) return undefined;
  if (run.state === 'running' && !(run.worker_id !== null && (await isWorkerDead(manager, run.worker_id)))) {
    return undefined;
  }
  if (run.state === 'queued') {
    const blocked = await manager.query<unknown[]>(`SELECT 1 FROM runs WHERE id = $1 AND ${IS_BLOCKED_SQL}`, [
      run.id,
    ]);
    if (blocked.length > 0) return undefined;
  }
  if (run.generation === 0 && run.input !== null && run.message_id !== null) {
    const { session_id: sessionId, message_id: id, input: content, input_file_ids: fileIds } = run;
    await closeReturnedCalls(manager, sessionId);
    await insertMessage(manager, { id, sessionId, runId, role: 'user', content, fileIds });
  }
  await moveRun(manager, runId, 'claim');
  const model = worker.modelFor(run.options.model);
  await manager.query(
    `UPDATE runs SET generation = generation + 1, worker_id = $2, model = $3,
       started_at = COALESCE(started_at, now())
     WHERE id = $1`,
    [runId, worker.id, model],
  );
  return {
    runId,
    sessionId: run.session_id,
    owner: run.owner,
    kind: run.kind,
    options: run.options,
    model,
    generation: run.generation + 1,
    resumed: run.generation > 0,
  };
}

/**
 * Calls that were running when their worker died: what can be run again is, also what still stood in line for its
 * sandbox; what cannot is `in_doubt` and the model is told so. A client's tool runs on elsewhere, and one in a sandbox
 * that outlived the worker may run on there: it stays `running`, to be resumed.
 */
export async function recoverRunningCalls(
  manager: EntityManager,
  run: ClaimedRun,
  registry: ToolRegistry,
  calls: CallJournal,
): Promise<EventPayload[]> {
  const running = await manager.query<CallRecord[]>(
    `SELECT * FROM tool_calls WHERE run_id = $1 AND state = 'running' AND parent_id IS NULL ORDER BY index`,
    [run.runId],
  );
  const events: EventPayload[] = [];
  for (const call of running.map(toCallSnapshot)) {
    if (identifyTool(registry, run.options, call.name).source === 'external') continue;
    const tool = registry.get(call.name);
    if (await stoodInLine(manager, run, call.id)) {
      await moveCall(manager, call.id, 'approved');
      events.push(calls.inLine(call, 0));
      continue;
    }
    if (tool?.resume !== undefined && (await isSandboxKept(manager, run.sessionId))) continue;
    events.push(...(await endNestedCalls(manager, calls, call.id)));
    const begun = await begunNestedCalls(manager, call.id);
    const effects = [tool, ...begun.map(({ name }) => registry.get(name))].map((one) => one?.effect);
    if (effects.every((effect) => effect === 'pure' || effect === 'idempotent')) {
      await moveCall(manager, call.id, 'approved');
      continue;
    }
    events.push(...(await calls.end(manager, call, calls.spoken(call, 'in_doubt', doubt(begun)))));
  }
  return events;
}

async function isSandboxKept(manager: EntityManager, sessionId: string): Promise<boolean> {
  const rows = await manager.query<unknown[]>(`SELECT 1 FROM kept_sandboxes WHERE session_id = $1 LIMIT 1`, [
    sessionId,
  ]);
  return rows.length > 0;
}

/** That it had left the line was committed before its tool began. */
async function stoodInLine(
  manager: EntityManager,
  { sessionId, runId }: ClaimedRun,
  callId: string,
): Promise<boolean> {
  const [last] = await manager.query<{ position: number | null }[]>(
    `SELECT (payload ->> 'queue_position')::int AS position FROM events
     WHERE session_id = $1 AND run_id = $2 AND type = 'agentic_tool_call_progress'
       AND payload ->> 'tool_call_id' = $3 ORDER BY seq DESC LIMIT 1`,
    [sessionId, runId, callId],
  );
  return (last?.position ?? 0) > 0;
}

interface BegunCall {
  readonly name: string;
  readonly state: ToolCallState;
}

/** The calls that the call's code had made and that may have had an effect. */
function begunNestedCalls(manager: EntityManager, parentId: string): Promise<BegunCall[]> {
  return manager.query<BegunCall[]>(
    `SELECT name, state FROM tool_calls WHERE parent_id = $1 AND attempt > 0 ORDER BY index`,
    [parentId],
  );
}

export function doubt(begun: readonly BegunCall[]): string {
  const calls = begun.map(({ name, state }) => `${name} (${state})`).join(', ');
  return (
    'The server stopped while this call was running. Whether it took effect is not known; it was not run again. ' +
    `Check before repeating it.${calls === '' ? '' : ` Its code had called: ${calls}.`}`
  );
}
