import { Client } from 'pg';
import type { EventCollector } from './event-collector.js';
import { findFaults } from './session-faults.js';
import { loadSession, type StoredSession } from './stored-session.js';
import { LONG_TEXT, type WorkedRun } from './workload.js';

export interface ChaosReport {
  readonly kills: number;
  readonly sessions: number;
  readonly runs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Claims beyond the first: how often a run was taken over. */
  readonly resumed: number;
  readonly events: number;
  readonly lost: number;
  readonly repeated: number;
  readonly in_doubt: number;
  readonly connections: number;
  /** Sentences; empty is what is wanted. */
  readonly faults: readonly string[];
}

/** Follows every session to its end and compares what the client has with what the database has. */
export async function inspect(
  databaseUrl: string,
  collector: EventCollector,
  runs: readonly WorkedRun[],
  kills: { readonly at: readonly number[]; readonly longText: string },
): Promise<ChaosReport> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const sessions = await loadAll(client, collector.sessionIds());
    await collector.catchUp(new Map(sessions.map(({ id, lastSeq }) => [id, lastSeq])), 20_000);
    const faults = sessions.flatMap((session) =>
      findFaults(session, collector.eventsOf(session.id), kills.at),
    );
    const states = Map.groupBy(
      sessions.flatMap((session) => session.runs),
      (run) => run.state,
    );
    const count = (state: string) => states.get(state)?.length ?? 0;
    return {
      kills: kills.at.length,
      sessions: sessions.length,
      runs: sessions.flatMap((session) => session.runs).length,
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      resumed: sessions
        .flatMap((session) => session.runs)
        .reduce((sum, run) => sum + Math.max(0, run.generation - 1), 0),
      events: sessions.reduce((sum, session) => sum + session.events.length, 0),
      ...collector.wireFaults(),
      in_doubt: sessions.flatMap((session) => session.calls).filter((call) => call.state === 'in_doubt')
        .length,
      connections: collector.connections,
      faults: [...faults, ...textRunFaults(sessions, runs, kills.longText), ...failures(sessions)],
    };
  } finally {
    await client.end();
  }
}

/** What runs that do not end, or took long to, look like in the database, their jobs included. */
export async function openRuns(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT runs.id, kind, state, generation, round, attempt, worker_id, created_at, started_at, finished_at, now(),
         (SELECT json_agg(json_build_object('name', name, 'state', tool_calls.state)) FROM tool_calls
          WHERE run_id = runs.id AND finished_at IS NULL) AS calls,
         (SELECT json_agg(concat_ws(' ', job.state, created_on, started_on, completed_on)) FROM pgboss.job WHERE data ->> 'runId' = runs.id) AS jobs,
         (SELECT json_agg(concat_ws(' ', seq, last.created_at, left(payload::text, 200))) FROM (SELECT * FROM events WHERE run_id = runs.id
          ORDER BY seq DESC LIMIT 12) AS last) AS events
       FROM runs WHERE finished_at IS NULL OR finished_at - created_at > interval '1 minute'`,
    );
    return JSON.stringify(rows, undefined, 1);
  } finally {
    await client.end();
  }
}

/** As a table, with the faults below it. */
export function printReport(title: string, { faults, ...numbers }: ChaosReport): void {
  console.log(title);
  console.table([numbers]);
  for (const fault of faults) console.log(`  ${fault}`);
}

async function loadAll(client: Client, ids: readonly string[]): Promise<StoredSession[]> {
  const sessions: StoredSession[] = [];
  for (const id of ids) sessions.push(await loadSession(client, id));
  return sessions;
}

/** The greedy answers are those of a run that nothing interrupted. */
function textRunFaults(
  sessions: readonly StoredSession[],
  runs: readonly WorkedRun[],
  expected: string,
): string[] {
  const answers = new Map(
    sessions.flatMap((session) =>
      session.messages
        .filter(({ role }) => role === 'assistant')
        .map(({ run_id, content }) => [run_id, content] as const),
    ),
  );
  return runs
    .filter(({ lane }) => lane === 'text')
    .filter(({ runId }) => answers.get(runId) !== expected)
    .map(({ runId }) => {
      const answer = answers.get(runId);
      return `the text of ${runId} (${answer?.length} characters, ${LONG_TEXT.max_tokens} tokens asked) is not that of an uninterrupted run (${expected.length}):\n${answer}\n${expected}`;
    });
}

/** Nothing in the load gives a reason to fail. */
function failures(sessions: readonly StoredSession[]): string[] {
  return sessions
    .flatMap((session) => session.runs)
    .filter((run) => run.state !== 'completed')
    .map(
      (run) =>
        `run ${run.id} (${run.kind}) ended ${run.state}: ${run.error?.code ?? ''} ${run.error?.message ?? ''}`,
    );
}
