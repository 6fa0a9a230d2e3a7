import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { splitPairs } from '../../src/agent/context/conversation.fixture.js';
import type { Engine } from '../../src/engine/engine.js';
import { EngineError } from '../../src/engine/engine-error.js';
import { says, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import {
  calling,
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  scriptedTool,
  type WorkerProcess,
  workToEnd,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;

beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

/** The scripted engine with a window of 400 words. */
function small(scripted: Engine): Engine {
  return {
    generate: (request, signal) => scripted.generate(request, signal),
    embed: (request, signal) => scripted.embed(request, signal),
    rank: (request, signal) => scripted.rank(request, signal),
    count: (request) => scripted.count(request),
    capabilities: async () => ({ ...(await scripted.capabilities()), contextSize: 400 }),
    status: () => scripted.status(),
    close: () => scripted.close(),
  };
}

const start = (script: readonly ScriptedTurn[] = []): Promise<WorkerProcess> =>
  workers.start([], script, {}, undefined, small);
const words = (count: number, word: string): string => Array.from({ length: count }, () => word).join(' ');
const waits = { type: 'wait', until: new Promise<never>(() => undefined) } as const;

/** Three turns of ninety words each: the next one does not fit. */
async function fill(worker: WorkerProcess): Promise<string> {
  let sessionId: string | undefined;
  for (const name of ['one', 'two', 'three']) {
    worker.engine.enqueue(says(`Said ${name}.`));
    const input = words(90, name);
    const run = await workToEnd(worker, {
      input,
      ...(sessionId === undefined ? {} : { session_id: sessionId }),
    });
    sessionId = run.sessionId;
  }
  return sessionId ?? '';
}

const contextsOf = async (sessionId: string) =>
  (await workers.query(`SELECT * FROM session_contexts WHERE session_id = $1`, [sessionId])).rows;

describe('a session that outgrows the window', () => {
  test('is summarised once; another worker and later turns go on from that', async () => {
    const first = await start();
    const sessionId = await fill(first);
    first.engine.enqueue(says('They counted.'), says('Four.'));
    const { events } = await workToEnd(first, { session_id: sessionId, input: words(90, 'four') });
    const [compacted] = ofType(events, 'context_compacted');
    expect(compacted).toMatchObject({
      round: 0,
      turns_summarised: 3,
      turns_dropped: 0,
      budget: 300,
      context_size: 400,
      summary: 'They counted.',
    });
    expect(compacted?.tokens_after).toBeLessThanOrEqual(150);
    expect(events.findIndex(({ type }) => type === 'context_compacted')).toBeLessThan(
      events.findIndex(({ type }) => type === 'chunk'),
    );
    // The two generations are in the usage: a prompt token and a piece each.
    expect(responseOf(events).usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 2 });
    const shown = first.engine.requests.at(-1)?.messages ?? [];
    expect(shown.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    await workers.stop(first);

    const second = await start([says('Five.')]);
    const later = await workToEnd(second, { session_id: sessionId, input: 'five' });
    expect(ofType(later.events, 'context_compacted')).toEqual([]);
    expect(second.engine.requests).toHaveLength(1);
    expect(second.engine.requests[0]?.messages.slice(0, 4)).toEqual(shown);
    const kept = await workers.query(`SELECT count(*)::int AS messages FROM messages WHERE session_id = $1`, [
      sessionId,
    ]);
    expect(kept.rows).toEqual([{ messages: 10 }]);
  });

  test('a worker that goes in the middle of a summary leaves nothing; the next one writes it', async () => {
    const first = await start();
    const sessionId = await fill(first);
    first.engine.enqueue({ steps: [{ type: 'queued', position: 7 }, waits] });
    const { run } = await first.runs.create(OWNER, { session_id: sessionId, input: words(90, 'four') });
    await follow(first, sessionId, (event) => event.type === 'run_queued' && event.position === 7);
    await workers.stop(first);
    expect(await contextsOf(sessionId)).toEqual([]);
    const second = await start([says('They counted.'), says('Four.')]);
    const events = await follow(second, sessionId, (event) => event.run_id === run.id && isDone(event));
    expect(ofType(events, 'context_compacted')).toMatchObject([{ summary: 'They counted.' }]);
  });

  test('a cancel in the middle of a summary ends the run at once and changes nothing', async () => {
    const worker = await start();
    const sessionId = await fill(worker);
    worker.engine.enqueue({ steps: [{ type: 'queued', position: 7 }, waits] });
    const { run } = await worker.runs.create(OWNER, { session_id: sessionId, input: words(90, 'four') });
    await follow(worker, sessionId, (event) => event.type === 'run_queued' && event.position === 7);
    await worker.runs.cancel(OWNER, { run_id: run.id });
    const events = await follow(worker, sessionId, (event) => event.run_id === run.id && isDone(event));
    expect(responseOf(events.filter((event) => event.run_id === run.id)).stop_reason).toBe('cancelled');
    expect(await contextsOf(sessionId)).toEqual([]);
  });

  test('a worker whose run was taken over cannot commit its summary', async () => {
    const gate = Promise.withResolvers<void>();
    const worker = await start();
    const sessionId = await fill(worker);
    const late = {
      steps: [
        { type: 'queued' as const, position: 7 },
        { type: 'wait' as const, until: gate.promise },
        ...says('Late.').steps,
      ],
    };
    worker.engine.enqueue(late);
    const { run } = await worker.runs.create(OWNER, { session_id: sessionId, input: words(90, 'four') });
    await follow(worker, sessionId, (event) => event.type === 'run_queued' && event.position === 7);
    await workers.query(
      `UPDATE runs SET generation = generation + 1, state = 'queued', worker_id = NULL WHERE id = $1`,
      [run.id],
    );
    worker.engine.enqueue(says('In time.'), says('Four.'));
    gate.resolve();
    const second = await start([says('In time.'), says('Four.')]);
    const events = await follow(second, sessionId, (event) => event.run_id === run.id && isDone(event));
    expect(ofType(events, 'context_compacted').map(({ summary }) => summary)).toEqual(['In time.']);
  });
});

test('two workers share what one of them summarised', async () => {
  const both = [await start(), await start()];
  for (const worker of both)
    worker.engine.enqueue(...Array.from({ length: 30 }, (_, n) => says(`Said ${n}.`)));
  const [first] = both;
  if (first === undefined) throw new Error('No worker started.');
  let sessionId: string | undefined;
  let told = 0;
  for (let turn = 0; turn < 12; turn += 1) {
    const session = sessionId === undefined ? {} : { session_id: sessionId };
    const run = await workToEnd(first, { input: words(90, `turn${turn}`), ...session });
    sessionId = run.sessionId;
    told += ofType(run.events, 'context_compacted').filter(({ summary }) => summary !== null).length;
  }
  const requests = both.flatMap(({ engine }) => engine.requests);
  expect(requests.length - 12).toBe(told);
  expect(told).toBeGreaterThanOrEqual(3);
});

test('an engine that refuses what was counted to fit is given less', async () => {
  const worker = await start();
  const sessionId = await fill(worker);
  const overflow = new EngineError('context_overflow', 'That is too long.');
  worker.engine.enqueue({ steps: [{ type: 'fail', error: overflow }] }, says('They counted.'), says('Four.'));
  const { events } = await workToEnd(worker, { session_id: sessionId, input: 'four' });
  expect(ofType(events, 'context_compacted')).toMatchObject([{ summary: 'They counted.' }]);
  expect(responseOf(events).choices[0]?.message.content).toBe('Four.');
  worker.engine.enqueue({ steps: [{ type: 'fail', error: overflow }] });
  const alone = await workToEnd(worker, { input: 'five' });
  expect(ofType(alone.events, 'model_error')).toMatchObject([{ message: 'That is too long.' }]);
});

test('a run of many rounds goes on: its old results are trimmed, its old rounds left out, seldom and for good', async () => {
  const worker = await workers.start(
    [scriptedTool('echo', {}, (value) => words(40, value))],
    [],
    {},
    undefined,
    small,
  );
  const rounds = Array.from({ length: 25 }, (_, n) => calling('echo', `r${n} ${words(10, 'why')}`));
  worker.engine.enqueue(...rounds, says('Done.'));
  const { events } = await workToEnd(worker, {
    input: 'a long task',
    max_tool_rounds: 25,
    context_overflow: 'truncate',
  });
  expect(responseOf(events).agentic_tool_calls).toHaveLength(25);
  const compacted = ofType(events, 'context_compacted');
  expect(compacted.length).toBeGreaterThan(1);
  const requests = worker.engine.requests.map(({ messages }) => messages);
  const changed = requests.filter((messages, index) => {
    const before = requests[index - 1] ?? [];
    return JSON.stringify(messages.slice(0, before.length)) !== JSON.stringify(before);
  });
  expect(changed).toHaveLength(compacted.length);
  for (const messages of requests) {
    expect(splitPairs(messages)).toEqual([]);
    expect(messages[1]).toEqual({ role: 'user', content: 'a long task' });
  }
});

describe('context_overflow', () => {
  test('error fails the run with the counts, before anything is generated', async () => {
    const worker = await start();
    const sessionId = await fill(worker);
    for (const options of [{ context_overflow: 'error' }, { truncation: 'disabled' }] as const) {
      const { events } = await workToEnd(worker, {
        session_id: sessionId,
        input: words(200, 'four'),
        ...options,
      });
      expect(ofType(events, 'model_error')).toMatchObject([
        { code: 'context_overflow', context: { answer_tokens: 25, context_size: 400 } },
      ]);
    }
    expect(worker.engine.requests).toHaveLength(3);
    const runs = await worker.runs.list(OWNER, sessionId);
    expect(runs.at(-1)?.error).toEqual({
      code: 'context_overflow',
      message: expect.stringContaining('400') as string,
    });
  });

  test('truncate drops whole turns without a summary, and the next turn keeps what is left', async () => {
    const worker = await start();
    const sessionId = await fill(worker);
    worker.engine.enqueue(says('Four.'), says('Five.'));
    const request = { session_id: sessionId, truncation: 'auto' as const };
    const { events } = await workToEnd(worker, { ...request, input: words(90, 'four') });
    expect(ofType(events, 'context_compacted')).toMatchObject([
      { turns_dropped: 3, turns_summarised: 0, summary: null },
    ]);
    await workToEnd(worker, { ...request, input: 'five' });
    expect(worker.engine.requests).toHaveLength(5);
    const [before, after] = worker.engine.requests.slice(-2);
    expect(after?.messages.slice(0, before?.messages.length)).toEqual(before?.messages);
  });

  test('fields that ask for different things are refused', async () => {
    const worker = await start();
    const both = { input: 'x', truncation: 'auto', context_overflow: 'error' } as const;
    await expect(worker.runs.create(OWNER, both)).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'context_overflow',
      reason: 'contradicting_options',
    });
    worker.engine.enqueue(says('Fine.'));
    const same = { input: 'x', truncation: 'disabled', context_overflow: 'error' } as const;
    expect(responseOf((await workToEnd(worker, same)).events).stop_reason).toBe('stop');
  });
});
