import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PayloadOf } from '../../src/events/event.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { ofType, responseOf, type WorkerProcess, workToEnd } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

const TURNS = 40;
const WINDOW = 2048;

let workers: RunWorkers;

beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

const start = (): Promise<WorkerProcess> =>
  workers.start([], [], {}, undefined, () => demoEngine({ sequences: 2 }));

interface Turn {
  readonly compacted: readonly PayloadOf<'context_compacted'>[];
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
}

/** Some hundred tokens. */
function question(turn: number): string {
  const list = Array.from({ length: 12 }, (_, n) => `${n + turn * 3} plus ${n * 7 + turn}`).join(', ');
  return `Remember these: ${list}. What is ${turn} plus ${turn * 2}?`;
}

test('a session of forty turns goes on in a window of 2,048 tokens, and evaluates little but what is new', async () => {
  let worker = await start();
  let sessionId: string | undefined;
  const turns: Turn[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (turn === TURNS / 2) {
      await workers.stop(worker);
      worker = await start();
    }
    const session = sessionId === undefined ? {} : { session_id: sessionId };
    const options = { max_tokens: 16, temperature: 0, enable_thinking: false };
    const run = await workToEnd(worker, { input: question(turn), ...session, ...options });
    sessionId = run.sessionId;
    const { usage, stop_reason: reason } = responseOf(run.events);
    expect(['stop', 'length']).toContain(reason);
    turns.push({
      compacted: ofType(run.events, 'context_compacted'),
      prompt: usage.prompt_tokens,
      completion: usage.completion_tokens,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    });
  }
  const compacted = turns.flatMap((turn) => turn.compacted);
  expect(compacted.length).toBeGreaterThanOrEqual(3);
  expect(compacted.length).toBeLessThanOrEqual(TURNS / 4);
  for (const event of compacted) {
    expect(event.context_size).toBe(WINDOW);
    expect(event.tokens_before).toBeGreaterThan(event.budget);
    expect(event.tokens_after).toBeLessThan(event.budget * 0.6);
  }
  for (const [index, turn] of turns.entries()) {
    const before = turns[index - 1];
    if (before === undefined || turn.compacted.length > 0 || index === TURNS / 2) continue;
    const stable = before.compacted.at(-1)?.tokens_after ?? before.prompt;
    // A template may write the end of a prompt otherwise once an answer follows.
    expect(turn.cached).toBeGreaterThanOrEqual(stable - 8);
  }
}, 240_000);
