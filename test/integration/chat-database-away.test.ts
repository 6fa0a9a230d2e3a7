import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import { EventLog } from '../../src/events/event-log.js';
import type { RunView } from '../../src/runs/run-view.js';
import { RunService } from '../../src/runs/run.service.js';
import { until } from '../support/until.js';
import { type ChatServer, startChatServer } from './chat-server.js';

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer();
});
afterAll(() => server.close());
afterEach(() => {
  vi.restoreAllMocks();
});

const broken = () => Object.assign(new Error('terminating connection'), { code: '57P01' });
const hello = { model: 'scripted', messages: [{ role: 'user', content: 'Hello' }] };
const streamedOrNot = [{ stream: true }, { stream: false }];

/** The next query that asks where a run's events begin fails once, like one whose connection was closed. */
function breakLookUp(): () => boolean {
  const database = server.get(DataSource);
  const query = database.query.bind(database);
  let isBroken = false;
  vi.spyOn(database, 'query').mockImplementation((...args: Parameters<typeof query>) => {
    if (isBroken || !args[0].startsWith('SELECT seq FROM events WHERE run_id')) return query(...args);
    isBroken = true;
    return Promise.reject(broken());
  });
  return () => isBroken;
}

test.each(streamedOrNot)('a connection that is closed under an answer is waited for: %j', async (how) => {
  const wasBroken = breakLookUp();
  server.engine.enqueue(says('All the same.'));
  const response = await server.post({ ...hello, ...how });
  expect([response.status, wasBroken()]).toEqual([200, true]);
  expect(await response.text()).toContain('All the same.');
});

/** The next answer is broken off as soon as the model is asked; gives the session of its run. */
function breakFollowing(): () => string {
  const before = server.engine.requests.length;
  const follow = vi
    .spyOn(server.get(EventLog), 'subscribe')
    .mockImplementationOnce(async function* (session_id, seq) {
      await until('the model is asked', 10_000, () => server.engine.requests.length > before);
      yield { type: 'live', session_id, seq };
      throw broken();
    });
  return () => follow.mock.calls[0]?.[0] ?? '';
}

async function becomes(state: RunView['state'], sessionId: string): Promise<void> {
  await until(`the run is ${state}`, 10_000, async () => {
    const [run] = await server.get(RunService).list('alice', sessionId);
    return run?.state === state;
  });
}

test.each(streamedOrNot)(
  'an answer that cannot be followed is a status, and its run is given up: %j',
  async (how) => {
    const sessionId = breakFollowing();
    server.engine.enqueue({ steps: [{ type: 'wait', until: new Promise(() => undefined) }] });
    const response = await server.post({ ...hello, ...how });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    await becomes('cancelled', sessionId());
  },
);

test('a run that said `background` goes on where its answer cannot be followed', async () => {
  const sessionId = breakFollowing();
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  server.engine.enqueue({
    steps: [
      { type: 'wait', until: goOn },
      { type: 'text', pieces: ['Unheard.'] },
    ],
  });
  expect((await server.post({ ...hello, background: true })).status).toBe(503);
  resolve();
  await becomes('completed', sessionId());
});
