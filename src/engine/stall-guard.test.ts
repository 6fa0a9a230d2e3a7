import { expect, test } from 'vitest';
import { createScriptedEngine } from './scripted/scripted-engine.js';
import { says } from './scripted/scripted-turn.js';
import type { EngineEvent, GenerateRequest } from './engine.js';
import { guardStalls, STALL_LIMITS } from './stall-guard.js';

const request: GenerateRequest = { sessionId: 's', messages: [], tools: [], sampling: {} };
const quick = { first: 20, text: 20, reasoning: 20 };

async function collect(events: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test('a stream that flows passes unchanged', async () => {
  const whole = await collect(
    createScriptedEngine([says('Hi.')]).generate(request, new AbortController().signal),
  );
  const engine = createScriptedEngine([says('Hi.')]);
  const guarded = guardStalls(
    (signal) => engine.generate(request, signal),
    new AbortController().signal,
    STALL_LIMITS,
  );
  expect(await collect(guarded)).toEqual(whole);
});

test('a silent one is aborted and ends as a stall, after what it had said', async () => {
  const silence = { type: 'wait', until: new Promise(() => undefined) } as const;
  const engine = createScriptedEngine([{ steps: [{ type: 'text', pieces: ['So far'] }, silence] }]);
  let reason: unknown;
  const start = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => (reason = signal.reason));
    return engine.generate(request, signal);
  };
  const events = await collect(guardStalls(start, new AbortController().signal, quick));
  expect(events[0]).toMatchObject({ type: 'text_delta', text: 'So far' });
  expect(events.at(-1)).toMatchObject({
    type: 'error',
    error: { retryable: true, interruption: 'idle_stall' },
  });
  // So that an engine that counts failures counts this one.
  expect(reason).toMatchObject({ name: 'EngineError', countsTowardBreaker: true });
});

test('a reader that takes its time is no stall', async () => {
  const engine = createScriptedEngine([{ steps: [{ type: 'text', pieces: ['a', 'b'] }] }]);
  const types: string[] = [];
  for await (const event of guardStalls(
    (signal) => engine.generate(request, signal),
    new AbortController().signal,
    quick,
  )) {
    types.push(event.type);
    await new Promise((resolve) => setTimeout(resolve, 3 * quick.text));
  }
  expect(types.at(-1)).toBe('stop');
});

test('whoever leaves early takes the generation with it', async () => {
  let left = false;
  const start = async function* (): AsyncGenerator<EngineEvent> {
    try {
      yield { type: 'text_delta', text: 'a' };
      yield { type: 'text_delta', text: 'b' };
    } finally {
      left = true;
    }
  };
  for await (const event of guardStalls(start, new AbortController().signal, STALL_LIMITS)) {
    expect(event).toEqual({ type: 'text_delta', text: 'a' });
    break;
  }
  expect(left).toBe(true);
});
