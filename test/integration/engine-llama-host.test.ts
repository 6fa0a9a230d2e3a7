import { describe, expect, test } from 'vitest';
import type { ChatMessage, EngineEvent, EngineStatus } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest, endlessRequest } from '../fixtures/models/demo-requests.js';
import { collect, textOf } from './engine-conformance.js';

function hostPidOf(status: EngineStatus): number {
  return status.state === 'ready' ? status.hostPid : 0;
}

const never = new AbortController().signal;

describe('one sequence', () => {
  test('those who wait are told their place and served in order', async () => {
    const engine = demoEngine({ sequences: 1 });
    await engine.capabilities();
    const ended: string[] = [];
    const runs = ['a', 'b', 'c'].map(async (sessionId) => {
      const events = await collect(engine.generate(demoRequest('What can you do?', { sessionId }), never));
      ended.push(sessionId);
      return events.flatMap((event) => (event.type === 'queued' ? [event.position] : []));
    });
    expect(await Promise.all(runs)).toEqual([[], [1], [2, 1]]);
    expect(ended).toEqual(['a', 'b', 'c']);
    await engine.close();
  });
});

describe('the host process', () => {
  test('its death ends the turn with engine_crash, and the next turn works', async () => {
    const engine = demoEngine();
    await engine.capabilities();
    const before = engine.status();
    const pid = before.state === 'ready' ? before.hostPid : 0;
    const events: EngineEvent[] = [];
    for await (const event of engine.generate(endlessRequest(), never)) {
      if (events.length === 0) process.kill(pid, 'SIGKILL');
      events.push(event);
    }
    const last = events.at(-1);
    expect(last).toMatchObject({
      type: 'error',
      error: { code: 'stream_interrupted', retryable: true, interruption: 'engine_crash' },
    });
    expect(last?.type === 'error' && last.received.text).toBe(textOf(events));
    expect((await collect(engine.generate(demoRequest('Hello!'), never))).at(-1)).toMatchObject({
      type: 'stop',
    });
    const after = engine.status();
    expect(after.state === 'ready' && after.hostPid !== pid).toBe(true);
    await engine.close();
  });

  test('refuses what it does not know, and lives on', async () => {
    const engine = demoEngine();
    await engine.capabilities();
    const before = engine.status();
    for (const sampling of [{ stop: [''] }, { repetitionPenalty: 0 }, { seed: 2 ** 60 }]) {
      const refused = await collect(engine.generate(demoRequest('Hello!', { sampling }), never));
      expect(refused).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    }
    const unknown = { role: 'tool', toolCallId: 7, name: 'x', content: '' } as unknown as ChatMessage;
    const counted = engine.count({ messages: [unknown], tools: [] });
    await expect(counted).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await collect(engine.generate(demoRequest('Hello!'), never))).at(-1)).toMatchObject({
      type: 'stop',
    });
    expect(engine.status()).toMatchObject({ state: 'ready', hostPid: hostPidOf(before) });
    await engine.close();
  });

  test('is gone when the engine is closed', async () => {
    const engine = demoEngine();
    await engine.capabilities();
    const status = engine.status();
    const pid = status.state === 'ready' ? status.hostPid : 0;
    await engine.close();
    expect(() => process.kill(pid, 0)).toThrow();
    expect(engine.status()).toEqual({ state: 'closed', model: 'demo' });
    const events = await collect(engine.generate(demoRequest('Hello!'), never));
    expect(events).toMatchObject([{ type: 'error', error: { code: 'cancelled' } }]);
  });
});
