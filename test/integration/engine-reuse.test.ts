import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChatMessage, Engine, GenerateRequest } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { conversation } from '../fixtures/models/demo-requests.js';
import { collect } from './engine-conformance.js';

const never = new AbortController().signal;
const SESSIONS = 6;
/** What is made is not the matter here. */
const SHORT = { sampling: { maxTokens: 24 } };

interface Turn {
  readonly text: string;
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
}

let home: string;
let kept: Engine;
let unkept: Engine;
let alone: Engine;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-reuse-'));
  kept = demoEngine({ homeDirectory: home, sequences: 2, stateCacheBytes: 256 * 1024 * 1024 });
  unkept = demoEngine({ sequences: 2 });
  alone = demoEngine({ sequences: 1 });
});
afterAll(async () => {
  await Promise.all([kept.close(), unkept.close(), alone.close()]);
  await rm(home, { recursive: true, force: true });
});

async function take(engine: Engine, request: GenerateRequest): Promise<Turn> {
  const events = await collect(engine.generate(request, never));
  const usage = events.flatMap((event) => (event.type === 'usage' ? [event.usage] : []))[0];
  const last = events.at(-1);
  if (usage === undefined || last?.type !== 'stop') throw new Error(JSON.stringify(last));
  const { text, completeCalls } = last.message;
  return {
    text: text + JSON.stringify(completeCalls.map(({ name, arguments: json }) => [name, json])),
    prompt: usage.prompt_tokens,
    completion: usage.completion_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

/** Long enough that its state is worth keeping; each session's own. */
function opening(session: number): ChatMessage[] {
  const story = Array.from(
    { length: 24 },
    (_, line) => `${line + session * 7} plus ${line * 3 + session}`,
  ).join(', ');
  return [{ role: 'user', content: `Remember ${story}.` }];
}

const ask = (session: number, turn: number) => ({
  role: 'user' as const,
  content: `What is ${session + 12} * ${turn + 34}?`,
});

/** Two turns of every session, all first turns first: by then each session's sequence was another's. */
async function play(engine: Engine, nameOf: (session: number, turn: number) => Partial<GenerateRequest>) {
  const firsts: Turn[] = [];
  const seconds: Turn[] = [];
  for (let session = 0; session < SESSIONS; session += 1) {
    firsts.push(await take(engine, conversation(opening(session), { ...SHORT, ...nameOf(session, 0) })));
  }
  for (let session = 0; session < SESSIONS; session += 1) {
    const answer: ChatMessage = { role: 'assistant', content: 'Yes.', toolCalls: [] };
    const messages = [...opening(session), answer, ask(session, 1)];
    seconds.push(await take(engine, conversation(messages, { ...SHORT, ...nameOf(session, 1) })));
  }
  return { firsts, seconds };
}

const evaluated = (turns: readonly Turn[]) =>
  turns.reduce((sum, { prompt, cached }) => sum + prompt - cached, 0);
const inSessions = (session: number) => ({ sessionId: `s${session}`, owner: 'ada' });

describe('sessions that take turns on fewer sequences', () => {
  test('go on from what was kept of them, and say what they would have said', async () => {
    const withDisk = await play(kept, inSessions);
    const without = await play(unkept, inSessions);
    const fresh = await play(alone, (session, turn) => ({
      sessionId: `${session}.${turn}`,
      owner: `${session}.${turn}`,
    }));
    expect(withDisk.seconds.map(({ text }) => text)).toEqual(fresh.seconds.map(({ text }) => text));
    expect(without.seconds.map(({ text }) => text)).toEqual(fresh.seconds.map(({ text }) => text));
    const first = withDisk.firsts.reduce((sum, { prompt }) => sum + prompt, 0);
    const grown = withDisk.seconds.reduce((sum, { prompt }) => sum + prompt, 0) - first;
    expect(evaluated(withDisk.seconds)).toBeLessThan(1.3 * grown);
    expect(evaluated(without.seconds)).toBeGreaterThan(3 * grown);
  });

  test('a conversation without a session finds its tokens by their beginning, but only its owner’s', async () => {
    const messages = opening(100);
    const longer: ChatMessage[] = [
      ...messages,
      { role: 'assistant', content: 'Yes.', toolCalls: [] },
      ask(100, 1),
    ];
    await take(alone, conversation(messages, { sessionId: 'x1', owner: 'bob' }));
    const own = await take(alone, conversation(longer, { sessionId: 'x2', owner: 'bob' }));
    expect(own.cached).toBeGreaterThan(own.prompt / 2);
    // There is one sequence, and it still holds every token of this prompt.
    const stranger = await take(alone, conversation(longer, { sessionId: 'x3', owner: 'eve' }));
    expect(stranger).toEqual({ ...own, cached: 0 });
  });
});

test('what is kept of a session goes when it is forgotten, in memory and on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-kv-'));
  const engine = demoEngine({ homeDirectory: folder, sequences: 1, stateCacheBytes: 1024 * 1024 * 64 });
  const files = async () => {
    const [mine] = await readdir(join(folder, 'kv'));
    return readdir(join(folder, 'kv', mine ?? ''));
  };
  const first = conversation(opening(1), { ...SHORT, sessionId: 'a', owner: 'ada' });
  await take(engine, first);
  await take(engine, conversation(opening(2), { ...SHORT, sessionId: 'b', owner: 'bob' }));
  expect(await files()).toHaveLength(1);
  engine.forget?.('a');
  engine.forget?.('b');
  const { cached } = await take(engine, first);
  expect(cached).toBe(0);
  expect(await files()).toEqual([]);
  await engine.close();
  await rm(folder, { recursive: true });
});

test('what is kept goes with the process, and so does what dead ones left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-kv-'));
  const dead = join(folder, 'kv', '999999999');
  await mkdir(dead, { recursive: true });
  await writeFile(join(dead, '0.state'), 'old');
  await utimes(dead, 0, 0);
  const engine = demoEngine({ homeDirectory: folder, sequences: 1, stateCacheBytes: 1024 * 1024 * 64 });
  await take(engine, conversation(opening(1), { sessionId: 'a', owner: 'ada' }));
  await take(engine, conversation(opening(2), { sessionId: 'b', owner: 'bob' }));
  const [mine] = await readdir(join(folder, 'kv'));
  expect(await readdir(join(folder, 'kv'))).toHaveLength(1);
  expect(await readdir(join(folder, 'kv', mine ?? ''))).toHaveLength(1);
  await engine.close();
  expect(await readdir(join(folder, 'kv'))).toEqual([]);
  await rm(folder, { recursive: true });
});
