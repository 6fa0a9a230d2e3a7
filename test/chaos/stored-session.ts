import type { Client } from 'pg';
import type { GantryEvent } from '../../src/events/event.js';
import { toEvent } from '../../src/events/event-log.js';

export interface StoredRun {
  readonly id: string;
  readonly kind: 'chat' | 'tool';
  readonly state: string;
  readonly stop_reason: string | null;
  readonly generation: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface StoredMessage {
  readonly run_id: string | null;
  readonly round: number | null;
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly reasoning: string | null;
  readonly tool_calls:
    readonly { readonly id: string; readonly name: string; readonly arguments: string }[] | null;
  readonly tool_call_id: string | null;
}

export interface StoredCall {
  readonly id: string;
  readonly run_id: string;
  readonly name: string;
  readonly state: string;
  readonly attempt: number;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** What the database has of one session, read past the program under test. */
export interface StoredSession {
  readonly id: string;
  readonly lastSeq: number;
  readonly events: readonly GantryEvent[];
  readonly runs: readonly StoredRun[];
  readonly messages: readonly StoredMessage[];
  readonly calls: readonly StoredCall[];
}

export async function loadSession(client: Client, sessionId: string): Promise<StoredSession> {
  const rows = async <T>(sql: string): Promise<T[]> => (await client.query(sql, [sessionId])).rows as T[];
  const [session] = await rows<{ last_seq: string }>('SELECT last_seq FROM sessions WHERE id = $1');
  const events = await rows<Parameters<typeof toEvent>[0]>(
    'SELECT * FROM events WHERE session_id = $1 ORDER BY seq',
  );
  return {
    id: sessionId,
    lastSeq: Number(session?.last_seq ?? 0),
    events: events.map(toEvent),
    runs: await rows<StoredRun>('SELECT * FROM runs WHERE session_id = $1 ORDER BY created_at, id'),
    messages: await rows<StoredMessage>('SELECT * FROM messages WHERE session_id = $1 ORDER BY position'),
    calls: await rows<StoredCall>(
      'SELECT * FROM tool_calls WHERE session_id = $1 ORDER BY created_at, index',
    ),
  };
}
