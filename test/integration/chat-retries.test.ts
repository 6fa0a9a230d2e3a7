import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { RETRY_GRACE_MS } from '../../src/api/openai-chat/run-followers.js';
import { EventBus } from '../../src/events/event-bus.js';
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

const hello = { model: 'scripted', messages: [{ role: 'user', content: 'Hello' }] };

/** The model says `Once`, and ` more` when it may. */
function pausingTurn(on: ChatServer): () => void {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  on.engine.enqueue({
    steps: [
      { type: 'text', pieces: ['Once'] },
      { type: 'wait', until: goOn },
      { type: 'text', pieces: [' more'] },
    ],
  });
  return resolve;
}

/** A streamed answer that has begun. */
async function begun(on: ChatServer, idempotencyKey: string) {
  const going = new AbortController();
  const headers = { 'idempotency-key': idempotencyKey };
  const response = await on.post({ ...hello, stream: true }, { headers, signal: going.signal });
  const reader = response.body?.getReader();
  let text = '';
  const read = async () => {
    const { value } = (await reader?.read()) ?? {};
    text += Buffer.from(value ?? []).toString();
    return value !== undefined;
  };
  while (!text.includes('Once')) if (!(await read())) throw new Error(`The answer ended: ${text}`);
  return {
    runId: /"id":"(run_\w+)"/.exec(text)?.[1] ?? '',
    leave: () => going.abort(),
    rest: async () => {
      while (await read());
      return text;
    },
  };
}

async function followed(on: ChatServer, runId: string, count: number): Promise<void> {
  const { session_id: sessionId } = await on.get(RunService).get('alice', runId);
  const bus = on.get(EventBus);
  await until(`${count} follow the run`, 10_000, () => bus.watchers(sessionId) === count);
}

/** Any cancel that was begun has landed. */
async function cancelsOf(spy: ReturnType<typeof spyOnCancel>): Promise<number> {
  await Promise.all(spy.mock.results.map(({ value }) => value as Promise<unknown>));
  return spy.mock.calls.length;
}
const spyOnCancel = () => vi.spyOn(server.get(RunService), 'cancel');

describe('the same request under the same idempotency key', () => {
  test('gets the whole answer after its connection broke', async () => {
    const cancel = spyOnCancel();
    const goOn = pausingTurn(server);
    const first = await begun(server, 'broken');
    first.leave();
    await followed(server, first.runId, 0);
    expect(await cancelsOf(cancel)).toBe(0);
    const again = await begun(server, 'broken');
    goOn();
    const text = await again.rest();
    expect(again.runId).toBe(first.runId);
    expect(text).toContain(' more');
    expect(text).toContain('"stop_reason":"stop"');
  });

  test('keeps its run while another of them goes away', async () => {
    const cancel = spyOnCancel();
    const goOn = pausingTurn(server);
    const first = await begun(server, 'two');
    const second = await begun(server, 'two');
    first.leave();
    await followed(server, first.runId, 1);
    expect(await cancelsOf(cancel)).toBe(0);
    goOn();
    expect(await second.rest()).toContain('"stop_reason":"stop"');
  });

  test('that never comes gives the run up when the grace is over', async () => {
    const hasty = await startChatServer([], [{ token: RETRY_GRACE_MS, value: 1 }]);
    try {
      pausingTurn(hasty);
      const { runId, leave } = await begun(hasty, 'gone');
      leave();
      await until('the run is cancelled', 10_000, async () => {
        return (await hasty.get(RunService).get('alice', runId)).state === 'cancelled';
      });
    } finally {
      await hasty.close();
    }
  });

  test.each([
    ['empty', ''],
    ['longer than any needs to be', 'k'.repeat(129)],
    [
      'longer than an index takes',
      Array.from({ length: 700 }, () => crypto.randomUUID())
        .join('')
        .slice(0, 9000),
    ],
  ])('is refused where the key is %s', async (_what, key) => {
    const response = await server.post(hello, { headers: { 'idempotency-key': key } });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { type: 'invalid_request_error', param: 'idempotency-key' } },
    ]);
  });
});
