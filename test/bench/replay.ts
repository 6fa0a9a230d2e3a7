import { Client } from 'pg';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/gateway/frames.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from './measure.js';
import { type Rig, withRig } from './rig.js';

const EVENTS = 5000;
const ROUNDS = 15;

/** As a long answer leaves them: pieces of text, each at its offset. */
const SEED_SQL = `
  WITH bumped AS (UPDATE sessions SET last_seq = last_seq + $2 WHERE id = $1 RETURNING last_seq - $2 AS base)
  INSERT INTO events (session_id, seq, run_id, type, payload)
  SELECT $1, bumped.base + n, 'run_bench', 'chunk', jsonb_build_object(
    'type', 'chunk', 'round', 0, 'attempt', 0, 'offset', (n - 1) * 24, 'choices', jsonb_build_array(
      jsonb_build_object('index', 0, 'finish_reason', NULL,
        'delta', jsonb_build_object('content', lpad(n::text, 24, 'word ')))))
  FROM bumped, generate_series(1, $2::integer) AS n`;

const READ_SQL = `
  SELECT session_id, seq, run_id, payload, created_at FROM events WHERE session_id = $1 ORDER BY seq`;

/** A whole session over WebSocket, next to the plain query for the same rows. */
export async function benchReplay(): Promise<void> {
  await withRig({ GANTRY_SANDBOX: 'none' }, async (rig) => {
    const { id } = await rig.client.createSession();
    const database = new Client({ connectionString: rig.databaseUrl });
    await database.connect();
    try {
      await database.query(SEED_SQL, [id, EVENTS]);
      await database.query('ANALYZE events');
      const { select, socket, client } = await interleave(
        { warmUp: 2, rounds: ROUNDS },
        {
          select: () => plainSelect(database, id),
          socket: () => plainSocket(rig, id),
          client: () => typedClient(rig, id),
        },
      );
      report(select, socket, client);
    } finally {
      await database.end();
    }
  });
}

function report(select: readonly Figures[], socket: readonly Figures[], client: readonly Figures[]): void {
  printHeading(`replay: ${EVENTS} events, ${ROUNDS} rounds`);
  printRow('plain SELECT', figureOf(select, 'ms'), 'ms');
  printRow('WebSocket, each frame parsed as JSON', figureOf(socket, 'ms'), 'ms');
  printRow('WebSocket, typed client (checks each event)', figureOf(client, 'ms'), 'ms');
  printRatio('ratio, WebSocket / SELECT', figureOf(socket, 'ms'), figureOf(select, 'ms'));
  printRatio('ratio, typed client / SELECT', figureOf(client, 'ms'), figureOf(select, 'ms'));
}

async function plainSelect(database: Client, sessionId: string): Promise<Figures> {
  const started = performance.now();
  const { rows } = await database.query(READ_SQL, [sessionId]);
  requireAll(rows.length);
  return { ms: performance.now() - started };
}

/** The connection is made before the clock starts. */
async function plainSocket({ url, apiKey }: Rig, sessionId: string): Promise<Figures> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${apiKey}` },
    perMessageDeflate: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let seen = 0;
  let started = 0;
  socket.on('open', () => {
    started = performance.now();
    socket.send(JSON.stringify({ id: 's', type: 'session.subscribe', session_id: sessionId, after_seq: 0 }));
  });
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString('utf8')) as { type: string; seq?: number; first_seq?: number };
    if (frame.type === 'chunk') seen += (frame.seq ?? 0) - (frame.first_seq ?? frame.seq ?? 0) + 1;
    if (frame.type === 'live') resolve(performance.now() - started);
  });
  socket.on('error', reject);
  const ms = await promise;
  socket.terminate();
  requireAll(seen);
  return { ms };
}

async function typedClient({ client }: Rig, sessionId: string): Promise<Figures> {
  const started = performance.now();
  let seen = 0;
  for await (const item of client.session(sessionId).events()) {
    if (item.type === 'live') break;
    if (item.type === 'chunk') seen += item.seq - (item.first_seq ?? item.seq) + 1;
  }
  requireAll(seen);
  return { ms: performance.now() - started };
}

function requireAll(count: number): void {
  if (count !== EVENTS) throw new Error(`${count} events came instead of ${EVENTS}.`);
}
