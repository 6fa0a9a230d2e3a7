import type { EntityManager } from 'typeorm';
import { NO_USAGE } from '../engine/usage.js';
import type { ReturnedCall, RunResponse } from '../events/event.js';

interface RunRecord {
  id: string;
  session_id: string;
  model: string | null;
  stop_reason: RunResponse['stop_reason'] | null;
  finish_reason: string | null;
  usage: RunResponse['usage'] | null;
  created_at: Date;
}

interface CallRecord {
  id: string;
  parent_id: string | null;
  round: number;
  name: string;
  arguments: string;
  state: string;
  result_content: string | null;
  result_images: string[] | null;
  file_ids: string[];
}

interface FileRecord {
  id: string;
  name: string;
  mime_type: string;
  bytes: string;
  created_at: Date;
  purpose: string;
  source: { tool: string; round: number; turn: number } | null;
}

/**
 * The full response of a run as committed so far. File bodies are left out: they came in their `file`
 * events and are fetched by id.
 */
export async function buildRunResponse(manager: EntityManager, runId: string): Promise<RunResponse> {
  const [run] = await manager.query<RunRecord[]>(`SELECT * FROM runs WHERE id = $1`, [runId]);
  if (!run) throw new Error(`Run ${runId} is gone.`);
  const calls = await manager.query<CallRecord[]>(
    `SELECT * FROM tool_calls WHERE run_id = $1 ORDER BY round, index`,
    [runId],
  );
  const files = await manager.query<FileRecord[]>(
    `SELECT * FROM files WHERE run_id = $1 ORDER BY created_at, id`,
    [runId],
  );
  const [answer] = await manager.query<{ content: string; reasoning: string | null }[]>(
    `SELECT content, reasoning FROM messages WHERE run_id = $1 AND role = 'assistant' ORDER BY position DESC LIMIT 1`,
    [runId],
  );
  const returned = calls.filter((call) => call.state === 'returned').map(toReturnedCall);
  return {
    id: run.id,
    session_id: run.session_id,
    model: run.model ?? '',
    created: Math.floor(run.created_at.getTime() / 1000),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: answer?.content ?? '',
          ...(answer?.reasoning ? { reasoning_content: answer.reasoning } : {}),
          ...(returned.length > 0 ? { tool_calls: returned } : {}),
        },
        finish_reason: run.finish_reason ?? 'stop',
      },
    ],
    stop_reason: run.stop_reason ?? 'stop',
    usage: run.usage ?? NO_USAGE,
    agentic_tool_calls: calls
      .filter((call) => call.state !== 'returned')
      .map((call) => ({
        id: call.id,
        ...(call.parent_id === null ? {} : { parent_id: call.parent_id }),
        round: call.round,
        name: call.name,
        arguments: call.arguments,
        status: call.state,
        result_content: call.result_content ?? '',
        result_images_base64: call.result_images ?? [],
        file_ids: call.file_ids,
      })),
    files: files.map((file) => ({
      id: file.id,
      name: file.name,
      mime_type: file.mime_type,
      bytes: Number(file.bytes),
      created_at: Math.floor(file.created_at.getTime() / 1000),
      purpose: file.purpose,
      ...(file.source ? { source: file.source } : {}),
    })),
  };
}

function toReturnedCall(call: CallRecord): ReturnedCall {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments || '{}' } };
}
