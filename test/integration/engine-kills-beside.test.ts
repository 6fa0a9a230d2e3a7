import { watch } from 'node:fs';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ChatMessage, Engine, EngineEvent } from '../../src/engine/engine.js';
import type { LlamaEngineOptions } from '../../src/engine/llama/llama-engine-options.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { conversation, demoRequest, endlessRequest } from '../fixtures/models/demo-requests.js';
import { liveHosts, PING_EVERY_MS, type Signal, SIGNALS, struckEngine } from '../support/host-strikes.js';
import { until } from '../support/until.js';
import { collect, textOf } from './engine-conformance.js';
import { isDone, ofType, workToEnd } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

const never = new AbortController().signal;

const table: { readonly moment: string; readonly signal: Signal; readonly outcome: string }[] = [];
afterEach(() => expect(liveHosts()).toEqual([]));
afterAll(() => console.table(table));

/** Closed before the test is over, so that whatever is left then is too much. */
async function withEngine(
  options: Partial<LlamaEngineOptions>,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = demoEngine({ pingEveryMs: PING_EVERY_MS, ...options });
  try {
    await work(engine);
  } finally {
    await engine.close();
  }
}

async function readyHost(engine: Engine): Promise<number> {
  await engine.capabilities();
  const status = engine.status();
  if (status.state !== 'ready') throw new Error(`The engine is ${status.state}.`);
  return status.hostPid;
}

const hello = demoRequest('What can you do?', { tools: [] });
const interrupted = { type: 'error', error: { code: 'stream_interrupted', interruption: 'engine_crash' } };

/** What it says when nobody disturbs it, with all its events. */
async function saysHello(engine: Engine): Promise<string> {
  const events = await collect(engine.generate(hello, never));
  expect(events.at(-1)).toMatchObject({ type: 'stop', reason: 'stop' });
  return textOf(events);
}

describe.each(SIGNALS)('a host that is hit by %s', { timeout: 120_000 }, (signal) => {
  test('while it loads is started again', async () => {
    let hits = 0;
    const onStatus: LlamaEngineOptions['onStatus'] = (status) => {
      if (status.state !== 'loading' || status.phase !== 'read' || hits > 0) return;
      hits += 1;
      for (const pid of liveHosts()) process.kill(pid, signal);
    };
    await withEngine({ onStatus }, async (engine) => {
      expect(await saysHello(engine)).not.toBe('');
      expect(hits).toBe(1);
      expect(liveHosts()).toHaveLength(1);
    });
    table.push({ moment: 'load', signal, outcome: 'started again, and answers' });
  });

  test('while one turn is made and another waits ends both, and both can be asked again', async () => {
    await withEngine({ sequences: 1 }, async (engine) => {
      const undisturbed = await saysHello(engine);
      const victim = await readyHost(engine);
      const atWork = collect(engine.generate(endlessRequest({ sessionId: 'first' }), never));
      const waiting: EngineEvent[] = [];
      for await (const event of engine.generate({ ...hello, sessionId: 'second' }, never)) {
        waiting.push(event);
        if (event.type === 'queued') process.kill(victim, signal);
      }
      expect(waiting[0]).toEqual({ type: 'queued', position: 1 });
      expect(waiting.at(-1)).toMatchObject(interrupted);
      expect((await atWork).at(-1)).toMatchObject(interrupted);
      expect(await saysHello(engine)).toBe(undisturbed);
    });
    table.push({ moment: 'queued', signal, outcome: 'typed error for both, then the same text' });
  });

  test('while it counts answers or says that it is gone', async () => {
    await withEngine({}, async (engine) => {
      const tokens = await engine.count(hello);
      const victim = await readyHost(engine);
      process.kill(victim, 'SIGSTOP');
      const counted = engine.count(hello).then(
        (count) => ({ count }),
        (error: unknown) => error,
      );
      if (signal !== 'SIGSTOP') {
        process.kill(victim, signal);
        process.kill(victim, 'SIGCONT');
      }
      const answer = await counted;
      if (signal === 'SIGTERM' && answer instanceof Object && 'count' in answer)
        expect(answer.count).toBe(tokens);
      else expect(answer).toMatchObject({ code: 'stream_interrupted', interruption: 'engine_crash' });
      await until('another host is there', 30_000, async () => (await readyHost(engine)) !== victim);
      expect(await engine.count(hello)).toBe(tokens);
    });
    table.push({ moment: 'count', signal, outcome: 'typed error, then the same count' });
  });

  test('while a state is written to disk loses the state and nothing else', async () => {
    const home = await mkdtemp(join(tmpdir(), 'gantry-kill-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    const long = Array.from({ length: 30 }, (_, n) => `${n} plus ${n * 3}`).join(', ');
    const first: ChatMessage[] = [{ role: 'user', content: `Remember ${long}.` }];
    const short = { tools: [], sampling: { maxTokens: 24 } };
    const second: ChatMessage[] = [
      ...first,
      { role: 'assistant', content: 'Yes.', toolCalls: [] },
      { role: 'user', content: 'Hello!' },
    ];
    const turn = (engine: Engine) =>
      collect(engine.generate(conversation(second, { ...short, sessionId: 'a' }), never)).then(textOf);
    await withEngine({ sequences: 1, homeDirectory: home, stateCacheBytes: 2 ** 28 }, async (engine) => {
      const undisturbed = [await turn(engine), await saysHello(engine)];
      await turn(engine);
      const victim = await readyHost(engine);
      const shelves = () => readdir(join(home, 'kv'));
      const [kept = ''] = await shelves();
      const watcher = watch(join(home, 'kv', kept), (_, name) => {
        // The folder itself changes too, whenever its host shows that it lives.
        if (name?.endsWith('.state') !== true) return;
        watcher.close();
        process.kill(victim, signal);
        // As if a minute had passed since; one that could still close its folder has none.
        void utimes(join(home, 'kv', kept), 0, 0).catch(() => undefined);
      });
      await collect(engine.generate({ ...hello, sessionId: 'b' }, never));
      await until('another host is there', 30_000, async () => (await readyHost(engine)) !== victim);
      expect([await turn(engine), await saysHello(engine)]).toEqual(undisturbed);
      const left = await shelves();
      expect(left).toHaveLength(1);
      expect(left).not.toEqual([kept]);
    });
    table.push({ moment: 'state save', signal, outcome: 'the same texts; what was left is cleared' });
  });

  test('while it is shut down is gone within the bound', async () => {
    const begun = { at: 0 };
    await withEngine({}, async (engine) => {
      const victim = await readyHost(engine);
      const atWork = collect(engine.generate(endlessRequest(), never));
      begun.at = performance.now();
      process.kill(victim, signal);
      await engine.close();
      expect((await atWork).at(-1)?.type).toBe('error');
    });
    const took = performance.now() - begun.at;
    expect(took).toBeLessThan(6000);
    table.push({ moment: 'shutdown', signal, outcome: `gone in ${(took / 1000).toFixed(1)} s` });
  });

  test('while it makes embeddings says so, and makes them when asked again', async () => {
    await withEngine({}, async (engine) => {
      const inputs = Array.from({ length: 2000 }, (_, index) => `Text ${index}`);
      const victim = await readyHost(engine);
      const large = engine.embed({ owner: 'a', inputs }, never).catch((error: unknown) => error);
      await engine.embed({ owner: 'b', inputs: ['one'] }, never);
      process.kill(victim, signal);
      expect(await large).toMatchObject({ code: 'stream_interrupted', interruption: 'engine_crash' });
      expect((await engine.embed({ owner: 'a', inputs: inputs.slice(0, 3) }, never)).vectors).toHaveLength(3);
    });
    table.push({ moment: 'embeddings', signal, outcome: 'typed error, then the vectors' });
  });
});

test(
  'a host that dies at every first token is given up, and the run ends with why',
  { timeout: 120_000 },
  async () => {
    const workers = await RunWorkers.open();
    try {
      const engine = demoEngine();
      const victim = () => {
        const status = engine.status();
        if (status.state === 'ready') process.kill(status.hostPid, 'SIGKILL');
        struck.arm('first token');
      };
      const struck = struckEngine(engine, victim);
      struck.arm('first token');
      const worker = await workers.start([], [], {}, undefined, () => struck.engine);
      await engine.capabilities();
      const { events } = await workToEnd(
        worker,
        { input: 'What can you do?', enable_thinking: false },
        110_000,
      );
      expect(events.some(isDone)).toBe(false);
      const [failure] = ofType(events, 'model_error');
      expect(failure?.message).toContain('SIGKILL');
      expect(engine.status().state).toBe('failed');
      table.push({
        moment: 'every first token',
        signal: 'SIGKILL',
        outcome: `model_error ${failure?.code ?? ''}`,
      });
    } finally {
      await workers.close();
    }
  },
);
