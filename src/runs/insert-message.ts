import type { EntityManager } from 'typeorm';
import { storableJson, storableText } from '../database/safe-json.js';
import type { ToolCallRequest } from '../engine/engine.js';
import { newId } from '../ids.js';

export interface NewMessage {
  readonly id?: string;
  readonly sessionId: string;
  readonly runId: string | null;
  readonly round?: number;
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly reasoning?: string | null;
  readonly toolCalls?: readonly ToolCallRequest[];
  readonly toolCallId?: string;
  /** What it shows; null as absent: nothing. */
  readonly fileIds?: readonly string[] | null;
}

/** The session's counter gives the place, so positions are dense however many write. */
const INSERT_SQL = `
  WITH place AS (
    UPDATE sessions SET last_position = last_position + 1, updated_at = now() WHERE id = $2 RETURNING last_position
  )
  INSERT INTO messages (id, session_id, run_id, position, round, role, content, reasoning, tool_calls, tool_call_id,
    file_ids)
  SELECT $1, $2, $3, place.last_position, $4, $5, $6, $7, $8::jsonb, $9, $10::jsonb FROM place`;

/** Adds a message at the end of the session's history; returns its id. */
export async function insertMessage(manager: EntityManager, message: NewMessage): Promise<string> {
  const id = message.id ?? newId('msg');
  const toolCalls = message.toolCalls?.length ? storableJson(message.toolCalls) : null;
  await manager.query(INSERT_SQL, [
    id,
    message.sessionId,
    message.runId,
    message.round ?? null,
    message.role,
    storableText(message.content),
    message.reasoning ? storableText(message.reasoning) : null,
    toolCalls,
    message.toolCallId ?? null,
    message.fileIds ? JSON.stringify(message.fileIds) : null,
  ]);
  return id;
}
