import type { EntityManager } from 'typeorm';
import type { ChunkScope } from '../events/chunk-writer.js';

type Stream = 'stdout' | 'stderr';

/** How much of each stream of a call clients were told, in UTF-16 units. */
export type ToldOutput = Readonly<Record<Stream, number>>;

export const NOTHING_TOLD: ToldOutput = { stdout: 0, stderr: 0 };

/** What is committed of a call's output. */
export async function readToldOutput(
  manager: EntityManager,
  { sessionId, runId }: ChunkScope,
  callId: string,
): Promise<ToldOutput> {
  const rows = await manager.query<{ stream: Stream; start: number; text: string }[]>(
    `SELECT DISTINCT ON (payload ->> 'stream') payload ->> 'stream' AS stream,
       (payload ->> 'offset')::int AS start, payload ->> 'text' AS text FROM events
     WHERE session_id = $1 AND run_id = $2 AND type = 'agentic_tool_output'
       AND payload ->> 'tool_call_id' = $3 ORDER BY payload ->> 'stream', seq DESC`,
    [sessionId, runId, callId],
  );
  const told = rows.map(({ stream, start, text }) => [stream, start + text.length] as const);
  return { ...NOTHING_TOLD, ...Object.fromEntries(told) };
}

/** Of output that is told from its beginning, the pieces that are news. */
export class UntoldOutput {
  readonly #seen = { stdout: 0, stderr: 0 };

  constructor(private readonly told: ToldOutput) {}

  /** Undefined when clients have all of it. */
  take(stream: Stream, text: string): { readonly text: string; readonly offset: number } | undefined {
    const start = this.#seen[stream];
    this.#seen[stream] += text.length;
    const offset = Math.max(start, this.told[stream]);
    const news = text.slice(offset - start);
    return news === '' ? undefined : { text: news, offset };
  }
}
