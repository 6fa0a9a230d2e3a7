import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { storableJson } from '../database/safe-json.js';
import { EventBus } from '../events/event-bus.js';
import type { ExportedMessage, ExportedRun, ExportedToolCall, SessionHistory } from './session-export.js';

/** Postgres writes the records in the shape they have on the wire, so reading needs no mapping. */
const ISO = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const MESSAGES_SQL = `
  SELECT id, run_id, round, role, content, reasoning, tool_calls, tool_call_id,
    coalesce(file_ids, '[]') AS file_ids, ${ISO('created_at')} AS created_at
  FROM messages WHERE session_id = $1 ORDER BY position`;

const RUNS_SQL = `
  SELECT id, kind, state, stop_reason, round, usage, error, message_id, ${ISO('created_at')} AS created_at,
    ${ISO('started_at')} AS started_at, ${ISO('finished_at')} AS finished_at
  FROM runs WHERE session_id = $1 ORDER BY created_at, id`;

const CALLS_SQL = `
  SELECT id, run_id, parent_id, round, name, arguments, state AS status, result_content, result_data,
    result_images AS result_images_base64, file_ids, ${ISO('created_at')} AS created_at,
    ${ISO('started_at')} AS started_at, ${ISO('finished_at')} AS finished_at
  FROM tool_calls WHERE session_id = $1 ORDER BY created_at, run_id, round, index`;

const INSERT_RUNS_SQL = `
  INSERT INTO runs (id, session_id, owner, kind, state, stop_reason, options, request_hash, round, usage, error,
    created_at, started_at, finished_at)
  SELECT id, $1, $2, kind, state, stop_reason, '{}', 'imported', round, nullif(usage, 'null'),
    nullif(error, 'null'), created_at, started_at, finished_at
  FROM jsonb_to_recordset($3::jsonb) AS run (id text, kind text, state text, stop_reason text, round integer,
    usage jsonb, error jsonb, created_at timestamptz, started_at timestamptz, finished_at timestamptz)`;

const INSERT_CALLS_SQL = `
  INSERT INTO tool_calls (id, run_id, session_id, parent_id, round, index, name, arguments, arguments_hash, state,
    result_content, result_data, result_images, file_ids, created_at, started_at, finished_at)
  SELECT id, run_id, $1, parent_id, round, index, name, arguments, arguments_hash, status, result_content,
    nullif(result_data, 'null'), nullif(result_images_base64, 'null'), file_ids, created_at, started_at, finished_at
  FROM jsonb_to_recordset($2::jsonb) AS call (id text, run_id text, parent_id text, round integer, index integer, name text,
    arguments text, arguments_hash text, status text, result_content text, result_data jsonb,
    result_images_base64 jsonb, file_ids jsonb, created_at timestamptz, started_at timestamptz,
    finished_at timestamptz)`;

const INSERT_MESSAGES_SQL = `
  INSERT INTO messages (id, session_id, run_id, position, round, role, content, reasoning, tool_calls,
    tool_call_id, file_ids, created_at)
  SELECT id, $1, run_id, position, round, role, content, reasoning, nullif(tool_calls, 'null'), tool_call_id,
    nullif(file_ids, '[]'), created_at
  FROM jsonb_to_recordset($2::jsonb) AS message (id text, run_id text, position integer, round integer, role text,
    content text, reasoning text, tool_calls jsonb, tool_call_id text, file_ids jsonb,
    created_at timestamptz)`;

/** A session's past as one piece: read whole, written whole. */
@Injectable()
export class HistoryRepository {
  async read(sessionId: string, manager: EntityManager): Promise<SessionHistory> {
    return {
      messages: await manager.query<ExportedMessage[]>(MESSAGES_SQL, [sessionId]),
      runs: await manager.query<ExportedRun[]>(RUNS_SQL, [sessionId]),
      tool_calls: await manager.query<ExportedToolCall[]>(CALLS_SQL, [sessionId]),
    };
  }

  /** Into a session without a past. Positions are dense from 1 and the session's counter is set. */
  async write(
    owner: string,
    sessionId: string,
    history: SessionHistory,
    manager: EntityManager,
  ): Promise<void> {
    const messages = history.messages.map((message, index) => ({ ...message, position: index + 1 }));
    await manager.query(INSERT_RUNS_SQL, [sessionId, owner, storableJson(history.runs)]);
    await manager.query(INSERT_CALLS_SQL, [sessionId, storableJson(numberCalls(history.tool_calls))]);
    await manager.query(INSERT_MESSAGES_SQL, [sessionId, storableJson(messages)]);
    await manager.query('UPDATE sessions SET last_position = $2, updated_at = now() WHERE id = $1', [
      sessionId,
      messages.length,
    ]);
  }

  /**
   * The session is as if new, except that seqs go on: no reader's place in the log comes to mean something else. One seq is
   * left out, so that readers who had seen everything miss something too, and are told: those who follow it, at once.
   */
  async clear(sessionId: string, manager: EntityManager): Promise<void> {
    for (const table of ['messages', 'session_contexts', 'runs', 'events', 'permission_rules']) {
      await manager.query(`DELETE FROM ${table} WHERE session_id = $1`, [sessionId]);
    }
    await manager.query('UPDATE sessions SET last_position = 0, last_seq = last_seq + 1 WHERE id = $1', [
      sessionId,
    ]);
    await manager.query(EventBus.NOTIFY_SQL, [EventBus.notice(EventBus.GONE, [sessionId])]);
  }
}

/** `index` is the call's place in its round. */
function numberCalls(calls: readonly ExportedToolCall[]) {
  const counts = new Map<string, number>();
  return calls.map((call) => {
    const round = `${call.run_id} ${call.round}`;
    const index = counts.get(round) ?? 0;
    counts.set(round, index + 1);
    return { ...call, index, arguments_hash: hashOf(call.arguments) };
  });
}

/** Only ever compared; the calls are over. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
