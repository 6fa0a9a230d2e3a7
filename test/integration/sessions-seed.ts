import type { DataSource } from 'typeorm';
import type { FileService } from '../../src/files/file.service.js';
import { newId } from '../../src/ids.js';
import { insertMessage } from '../../src/runs/insert-message.js';
import type { RunState } from '../../src/runs/run-state.js';

export async function seedRun(
  dataSource: DataSource,
  owner: string,
  sessionId: string,
  state: RunState = 'completed',
): Promise<string> {
  const id = newId('run');
  await dataSource.query(
    `INSERT INTO runs (id, session_id, owner, kind, state, stop_reason, options, request_hash, round, started_at, finished_at)
     VALUES ($1, $2, $3, 'chat', $4, 'stop', '{}', 'x', 1, now(), now())`,
    [id, sessionId, owner, state],
  );
  return id;
}

export interface SeededTurn {
  readonly runId: string;
  readonly callId: string;
  readonly fileId: string;
}

/** A question, a Python call that made a file, its result, an answer. The file lies in the working directory. */
export async function seedTurn(
  dataSource: DataSource,
  files: FileService,
  scope: { readonly owner: string; readonly sessionId: string; readonly name: string },
): Promise<SeededTurn> {
  const { owner, sessionId, name } = scope;
  const { manager } = dataSource;
  const runId = await seedRun(dataSource, owner, sessionId);
  const callId = newId('call');
  const source = { tool: 'python', round: 0, turn: 1 };
  const content = Buffer.from(`content of ${name}`);
  const file = await files.store({
    owner,
    sessionId,
    runId,
    toolCallId: callId,
    name,
    purpose: 'agent_output',
    source,
    content,
  });
  await dataSource.query(
    `INSERT INTO tool_calls (id, run_id, session_id, round, index, name, arguments, arguments_hash, state, result_content,
       result_data, file_ids) VALUES ($1, $2, $3, 0, 0, 'python', '{"code":"1"}', 'x', 'succeeded', 'made it', $4, $5)`,
    [
      callId,
      runId,
      sessionId,
      JSON.stringify({ tool_type: 'code_execution', stdout: 'made it' }),
      JSON.stringify([file.id]),
    ],
  );
  const call = { id: callId, name: 'python', arguments: '{"code":"1"}' };
  const base = { sessionId, runId };
  await insertMessage(manager, { ...base, role: 'user', content: `make ${name}` });
  await insertMessage(manager, {
    ...base,
    round: 0,
    role: 'assistant',
    content: '',
    reasoning: 'hm',
    toolCalls: [call],
  });
  await insertMessage(manager, { ...base, round: 0, role: 'tool', content: 'made it', toolCallId: callId });
  await insertMessage(manager, { ...base, round: 1, role: 'assistant', content: `here is ${name}` });
  await dataSource.query(
    `INSERT INTO workspace_entries (session_id, path, file_id, executable) VALUES ($1, $2, $3, $2 = 'two.txt')
     ON CONFLICT (session_id, path) DO UPDATE SET file_id = excluded.file_id`,
    [sessionId, name, file.id],
  );
  return { runId, callId, fileId: file.id };
}
